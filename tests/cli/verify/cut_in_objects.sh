# Cut in the middle: what is lost is counted.
head -c 3600 app.3.held >cut.held
heldby verify cut.held
