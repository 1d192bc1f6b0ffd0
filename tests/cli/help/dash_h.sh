heldby help diff >one; heldby diff -h | cmp one -; heldby diff --help | cmp one -; heldby -h diff | cmp one -
