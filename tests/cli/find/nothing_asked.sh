heldby find nothing.held
