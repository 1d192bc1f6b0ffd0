echo 'this is not a snapshot, but a text of some length' >foreign.held
heldby verify foreign.held
