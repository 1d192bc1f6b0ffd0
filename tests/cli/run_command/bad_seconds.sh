heldby run --every never -- true
