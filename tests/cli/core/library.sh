heldby info library.core
