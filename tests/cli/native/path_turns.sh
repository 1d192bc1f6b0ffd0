# Two steps that take turns: the table has at most --limit rows, and the last one.
heldby path lists.held 0x55d000013300 --limit 5
