heldby run --frequency 3 -- true
