# A chain of Python objects whose steps are alike.
heldby path app.1.held 0x7f0000400000
heldby path app.1.held 0x7f0000400000 --limit 1 | tail -n +5
echo
heldby path app.1.held 'myapp.queue(.next)×5' | head -1
heldby path app.1.held 'myapp.queue(.next)×9'
