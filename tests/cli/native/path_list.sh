# Steps that are alike are one, in the expression and in the table; what follows them is not.
heldby path lists.held 0x55d000010b00
echo
heldby path lists.held 0x55d000011000
echo
heldby show lists.held 0x55d000010400 | head -4
