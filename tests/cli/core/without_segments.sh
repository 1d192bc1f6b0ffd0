heldby info empty.core
