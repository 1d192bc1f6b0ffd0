/* move_file.h -- moves a file to another name, by rename or, across file systems, by a copy that appears
 * whole. */
#ifndef HELDBY_MOVE_FILE_H
#define HELDBY_MOVE_FILE_H

#include "lib/base/error.h"

/* Replaces `to`. On failure `from` is left, and nothing new is under `to`. The copy has mode 0600. */
bool move_file(const char *from, const char *to, struct error *err);

#endif
