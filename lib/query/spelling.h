/* spelling.h -- how references, keys, objects and roots are written: as Python would, where Python has a way.
 *
 * Everything appends to a text_buffer. Text is what the snapshot holds, cut with an ellipsis where the
 * snapshot or the bound here cut it; control characters are escaped as repr does, but nothing more is made
 * safe for a terminal.
 */
#ifndef HELDBY_SPELLING_H
#define HELDBY_SPELLING_H

#include "lib/base/text_buffer.h"
#include "lib/query/holders.h"

enum {
    SPELLING_KEY = 60,     /* code points of a key before it is cut */
    SPELLING_PREVIEW = 80, /* code points of a preview */
};

/* The words of JSON: "global", "key_object", "module", "c_reference", ... */
const char *spelling_kind(enum reference_kind kind);
const char *spelling_root_kind(enum root_kind kind);
const char *spelling_label(enum type_label label); /* "vtable", "size_class", ... */
const char *spelling_family(enum family family);   /* "str", "dict", "other", ... */

/* What an object looks like: 'abc…', 42, dict of 3, list of 1 002, app.handle (a function's name), "" if
 * there is nothing to say. */
void spelling_preview(const struct view *view, object_id object, struct text_buffer *to);
/* The same as a dict key is written: 'k7', (1, 2), None, <app.Key 0x7f00>. */
void spelling_key(const struct view *view, object_id object, struct text_buffer *to);

/* One step of an expression: .attr, ['k7'], [50], {*}, .<closure>.cv, .<cache>[1], .<field +0x18>, .keys()[3]
 */
void spelling_step(const struct view *view, const struct hold *hold, struct text_buffer *to);
/* The same without what differs between alike steps: [*] for keys and indexes; attributes and variables keep
 * their names. */
void spelling_pattern(const struct view *view, const struct hold *hold, struct text_buffer *to);
/* The bare name for JSON: attr, 'k7', 50, cv; "" where there is none. */
void spelling_name(const struct view *view, const struct hold *hold, struct text_buffer *to);

/* Where an expression starts: app, app.handle.<locals>.session, <interpreter>.builtins, <static type dict>,
 * ... */
void spelling_root(struct view *view, uint32_t root, struct text_buffer *to);

/* The same for a word of native memory (root_kind_is_native), without the arrow behind it: rbx of thread
 * 4312, thread 4312 worker() +0x40 (server.c:88), libfoo.so: g_cache+0x18, libfoo.so: tls var of thread 4312,
 * anonymous 0x7f3a10000000+0x18. `pattern`: without what differs between the words of one variable or frame.
 */
void spelling_native_root(const struct view *view, uint32_t root, bool pattern, struct text_buffer *to);

/* Behind it, when the expression is about the running generator itself, not about what it holds. */
#define SPELLING_FRAME_ITSELF ".<frame>"

/* An object without a path: app (module), app.Session (class), app.Session 0x7f00. */
void spelling_object(const struct view *view, object_id object, struct text_buffer *to);

/* True if text is a name Python would accept after a dot. */
bool spelling_is_identifier(const char *text, size_t length);
/* repr() of a str given as UTF-8, at most `most` code points (0: all), `more` if the text itself was cut
 * before. */
void spelling_str(const char *text, size_t length, size_t most, bool more, struct text_buffer *to);
void spelling_bytes(const char *text, size_t length, size_t most, bool more, struct text_buffer *to);
/* 1002 as 1 002 */
void spelling_count(uint64_t count, struct text_buffer *to);
/* repr() of a float: the shortest digits that give the same value. */
void spelling_float(double value, struct text_buffer *to);

#endif
