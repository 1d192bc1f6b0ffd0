: >empty.held
heldby info empty.held
