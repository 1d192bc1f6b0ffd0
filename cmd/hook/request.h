/* request.h -- the rendezvous of `heldby dump`: a small file, named by the token that its signal carries.
 *
 *     FOLDER/heldby-TOKEN   16 hexadecimal digits; in /tmp, /dev/shm, /var/tmp or the current directory
 *
 * The asker creates it, mode 0600, owned by the target's user, with one line: `path=ABSOLUTE`, or `path=`
 * for the default name. The hook appends `temporary=PATH` when it begins, then `done=PATH` or `error=TEXT`;
 * the asker removes it. A file that others may write, or that belongs to neither the process's user nor root,
 * is not read. All in the target's own view of files.
 */
#ifndef HELDBY_HOOK_REQUEST_H
#define HELDBY_HOOK_REQUEST_H

#include "cmd/hook/settings.h"

/* The upper 16 bits of every token, so that another program's sigqueue is not taken for one. */
static const uint64_t REQUEST_MAGIC = UINT64_C(0x68ed);

struct request {
    char file[SETTINGS_PATH];
    char path[SETTINGS_PATH]; /* wanted name, "" = the default one */
};

bool request_is_token(uint64_t value);
bool request_open(struct request *ret, uint64_t token); /* false: no such request */
void request_accepted(const struct request *r, const char *temporary);
void request_answer(const struct request *r, int error, const char *text); /* path if error is 0 */

#endif
