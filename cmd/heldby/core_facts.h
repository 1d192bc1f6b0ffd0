/* core_facts.h -- what a heap's facts say about the core (or the frozen process) it was read from: how it
 * died, which modules it had, what was missing, whether the allocator's own figures agree, where its memory
 * is. As text for `info`, as JSON keys, and as faults for `verify`.
 *
 * The facts are the snapshot's (formats/extract writes them, docs/snapshot-format.md lists them), so a
 * converted file says the same as its core.
 */
#ifndef HELDBY_CORE_FACTS_H
#define HELDBY_CORE_FACTS_H

#include "cmd/heldby/output.h"
#include "lib/heap/heap.h"

/* Was this heap read from a core? From a process without the hook? */
bool heap_is_of_core(const struct heap *heap);
bool heap_is_live_copy(const struct heap *heap);

/* Text: the end of the process (after print_process), its threads; then, after the figures, memory, checks,
 * modules, what is missing and what helps. */
bool core_facts_print_end(struct output *out, const struct heap *heap,
                          struct error *err); /* false: no memory */
void core_facts_print(struct output *out, const struct heap *heap);
bool core_facts_json(struct json *j, const struct heap *heap, struct error *err); /* false: no memory */

/* Calls `fault` for each figure that the process itself had counted differently. What is missing is said by
 * the heap's own warnings. */
void core_facts_faults(const struct heap *heap,
                       void (*fault)(void *context, uint64_t offset, const char *part, const char *message),
                       void *context);

/* ---- what the parts share ---- */

/* One thread of the process: Python's entry and the system's are joined by the identifier (pthread_self). Its
 * frames are lists over the heap's frames, innermost first: [frame] ──► next, 0 ends. Where depths are left
 * out, what lies between is a recursion of the frame before. */
struct core_thread {
    uint64_t native; /* 0: not known */
    string_id name;
    uint32_t native_frame, python_frame; /* the innermost, or 0 */
};
struct core_threads {
    struct core_thread *items; /* the one that died first, if it is known */
    size_t count;
    uint32_t *next; /* [frame_count + 1] */
    bool died;      /* the first is the one that died */
};
bool core_threads_init(struct core_threads *ret, const struct heap *heap, struct error *err);
void core_threads_free(struct core_threads *threads);

/* Calls `each` for every text of a fact that is a list. */
void each_fact_item(const struct heap *heap, const char *key, void (*each)(void *context, const char *text),
                    void *context);

/* A text of such a list whose fields are separated by tabs. */
enum { RECORD_FIELDS = 8 };
struct record {
    char text[8192];
    const char *field[RECORD_FIELDS]; /* never NULL */
};
void record_read(struct record *r, const char *text);
enum { MODULE_PATH, MODULE_START, MODULE_END, MODULE_BUILD_ID, MODULE_VERDICT, MODULE_FILE };
enum { CHECK_NAME, CHECK_EXPECTED, CHECK_FOUND, CHECK_VERDICT };

enum { MEMORY_ROWS = 16, MISSING_ROWS = 6 };
extern const struct memory_row {
    const char *fact, *text;
} memory_rows[MEMORY_ROWS];
extern const struct missing_row {
    const char *fact, *key, *text;
} missing_rows[MISSING_ROWS];

/* A figure of a check as people read it: 356 352, none. Without a number: as it is. */
char *check_figure(const char *figure, char *out, size_t size);

/* SIGSEGV, or "signal 64" */
const char *signal_name(int number, char *out, size_t size);
/* What si_code says of the signals a program dies of (asm-generic/siginfo.h); NULL: nothing worth saying. */
const char *signal_code_text(int number, int code);
/* The address that a memory fault was at; false: the signal has none. */
bool signal_address(const struct heap *heap, uint64_t *ret);

#endif
