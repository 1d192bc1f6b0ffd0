: >empty.held
heldby growth app.1.held empty.held app.3.held
