# A variable of an extension explains one of two references; the other one nothing does.
heldby refcheck lists.held
echo
heldby show lists.held 0x7f0000000400 | head -8
