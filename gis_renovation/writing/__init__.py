"""Files that leave: places, databases, workbooks, documents."""
