# What native memory explains is no unexplained reference, but can be asked for.
heldby refcheck mixed.held --fail-if 'unexplained>0' >/dev/null && echo none
heldby refcheck mixed.held --fail-if 'native>0' >/dev/null
echo $?
