heldby cycles --type app.Leaf cycles.held
echo
heldby cycles --type "app.native.*" cycles.held
