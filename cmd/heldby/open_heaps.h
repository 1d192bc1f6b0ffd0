/* open_heaps.h -- the prologue commands share: open a file by its content, say what is wrong with it, begin
 * the document.
 *
 * A file is told apart by its first bytes, never by its name. Warnings of a damaged but readable file go to
 * standard error in text, and into `warnings` and `complete` of the JSON document, with every answer.
 */
#ifndef HELDBY_OPEN_HEAPS_H
#define HELDBY_OPEN_HEAPS_H

#include "cmd/heldby/output.h"
#include "lib/query/view.h"

struct opened {
    const char *path; /* as given */
    struct heap *heap;
    struct view *view;
    uint64_t file_size;
};

/* Opens a snapshot, or an ELF core as `in`'s options say. On false nothing needs closing. */
bool opened_init(struct opened *ret, const struct invocation *in, const char *path, struct error *err);
void opened_deinit(struct opened *opened); /* all zero is fine */
/* After an answer: `done`, unless something that it needed could not be read when it was needed. */
bool opened_answered(const struct opened *opened, bool done, struct error *err);

/* What the files of one answer lack, collected while they are open. */
struct notes {
    bool complete;
    char **warnings; /* [count] */
    size_t count;
    bool with_path; /* several files: each warning begins with its file */
};

/* Of an answer over a snapshot of the hook and a core. */
#define NATIVE_LEFT_OUT                                                                                      \
    "one file has native memory too and another has Python's objects only: native blocks are left out"

void notes_init(struct notes *notes, bool with_path);
bool notes_add(struct notes *notes, const struct heap *heap, struct error *err);
bool notes_add_text(struct notes *notes, const char *warning, struct error *err);
void notes_deinit(struct notes *notes);

/* JSON: opens the document with `file` (one path) or `files`, `complete` and `warnings`; document_end closes
   it. Text: prints the warnings to standard error. */
void document_begin(struct output *out, const struct notes *notes, char *const *paths, size_t path_count,
                    bool list);
void document_end(struct output *out);

/* All of it for a command over one file: opens in->operands[0], begins the document's notes, calls `answer`.
 */
bool answer_one(const struct invocation *in, struct output *out,
                bool (*answer)(const struct invocation *in, struct output *out, struct opened *opened,
                               struct error *err),
                struct error *err);
/* Begins the document of a command over one file; called by its answer once everything that can fail is done.
 */
void document_begin_one(struct output *out, const struct opened *opened);
/* The same with one more warning in the JSON document, "" for none; in text the answer says it itself. */
bool document_begin_besides(struct output *out, const struct opened *opened, const char *warning,
                            struct error *err);

#endif
