heldby info i386.core
