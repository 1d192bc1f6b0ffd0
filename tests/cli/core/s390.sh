heldby info s390.core
