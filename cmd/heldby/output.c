#include "cmd/heldby/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cmd/heldby/text.h"

static bool wants_color(const struct invocation *in, bool terminal)
{
    const char *mode = option_text(in, "color", "auto");
    if (strcmp(mode, "auto") != 0)
        return strcmp(mode, "always") == 0;
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return terminal && !(no_color && *no_color) && !(term && strcmp(term, "dumb") == 0);
}

static unsigned terminal_width(int fd)
{
    struct winsize size;
    if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40)
        return size.ws_col;
    return 80;
}

/* The stream writes to a descriptor of its own: the file's is closed when the file gets its name. */
static bool open_file(struct output *out, const char *name, struct error *err)
{
    if (!new_file_open(&out->file, name, err))
        return false;
    int fd = fcntl(out->file.fd, F_DUPFD_CLOEXEC, 3), failure = errno;
    out->to = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (out->to)
        return true;
    if (fd >= 0) {
        failure = errno;
        close(fd);
    }
    return error_system(err, name, failure, "cannot write");
}

static void output_deinit(struct output *out)
{
    new_file_drop(&out->file);
    if (out->to && out->to != stdout)
        fclose(out->to);
    *out = (struct output){0};
}

static bool output_init(struct output *out, const struct invocation *in, struct error *err)
{
    *out = (struct output){.file.fd = -1};
    signal(SIGPIPE, SIG_IGN); /* a closed pipe shall be a write error, with an exit status of ours */
    const char *name = option_text(in, "output", NULL);
    if (name && strcmp(name, "-") != 0) {
        if (!open_file(out, name, err)) {
            output_deinit(out);
            return false;
        }
    } else {
        out->to = stdout;
    }
    out->as_json = option_given(in, "json");
    out->terminal = isatty(fileno(out->to)) == 1;
    out->colored = !out->as_json && wants_color(in, out->terminal);
    out->width = out->terminal ? terminal_width(fileno(out->to)) : 0;
    out->limit = option_number(in, "limit", 20);
    if (out->limit == 0)
        out->limit = UINT64_MAX;
    out->json.to = out->to;
    return true;
}

/* Flushes and renames. A write that failed earlier may have lost its errno; the stream still knows that it
 * failed. */
static bool output_finish(struct output *out, const struct invocation *in, struct error *err)
{
    const char *name = option_text(in, "output", NULL);
    bool standard = out->to == stdout;
    const char *where = standard ? "standard output" : name;
    errno = 0;
    bool failed = fflush(out->to) != 0 || ferror(out->to);
    int failure = errno ? errno : EIO;
    if (!standard) {
        if (fclose(out->to) != 0 && !failed) {
            failed = true;
            failure = errno;
        }
        out->to = NULL;
    }
    if (!failed && out->no_memory)
        return error_no_memory(err);
    if (!failed && !standard)
        return new_file_keep(&out->file, err);
    return failed ? error_system(err, where, failure, "cannot write") : true;
}

bool output_answer(const struct invocation *in,
                   bool (*answer)(const struct invocation *in, struct output *out, struct error *err),
                   struct error *err)
{
    struct output out;
    if (!output_init(&out, in, err))
        return false;
    struct error answered = {0}, written = {0};
    bool done = answer(in, &out, &answered);
    if (done || (out.begun && answered.code != ERROR_SYSTEM)) {
        if (!output_finish(&out, in, &written)) {
            done = false;
            answered = written;
        }
    }
    output_deinit(&out);
    if (!done && err)
        *err = answered;
    return done;
}

const char *output_style(const struct output *out, enum style style)
{
    static const char *const codes[STYLES] = {
        [STYLE_PLAIN] = "\x1b[0m", [STYLE_STRONG] = "\x1b[1m", [STYLE_DIM] = "\x1b[2m",
        [STYLE_TYPE] = "\x1b[36m", [STYLE_NAME] = "\x1b[33m",  [STYLE_GOOD] = "\x1b[32m",
        [STYLE_BAD] = "\x1b[31m"};
    return out->colored ? codes[style] : "";
}

void output_text(struct output *out, enum style style, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        length = strlen(text);
    if (style != STYLE_PLAIN)
        fputs(output_style(out, style), out->to);
    while (length) { /* in pieces that end between code points */
        char clean[2048];
        size_t piece = length < 160 ? length : 160;
        while (piece < length && piece > 150 && ((unsigned char)text[piece] & 0xc0) == 0x80)
            piece--;
        fputs(text_clean(text, piece, clean, sizeof clean), out->to);
        text += piece;
        length -= piece;
    }
    if (style != STYLE_PLAIN)
        fputs(output_style(out, STYLE_PLAIN), out->to);
}

void output_print(struct output *out, const char *format, ...)
{
    if (out->as_json)
        return;
    va_list args;
    va_start(args, format);
    vfprintf(out->to, format, args);
    va_end(args);
}

/* As a POSIX shell reads it back. */
static void put_word(struct output *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-+@%,:";
    if (*word && strspn(word, plain) == strlen(word)) {
        fputs(word, out->to);
        return;
    }
    fputc('\'', out->to);
    for (const char *at = word; *at;) {
        size_t length = strcspn(at, "'");
        output_text(out, STYLE_PLAIN, at, length);
        at += length;
        if (*at) {
            fputs("'\\''", out->to);
            at++;
        }
    }
    fputc('\'', out->to);
}

void output_hint(struct output *out, const char *says, ...)
{
    if (out->as_json)
        return;
    va_list words;
    va_start(words, says);
    fprintf(out->to, "\n%sheldby", output_style(out, STYLE_DIM));
    for (const char *word; (word = va_arg(words, const char *));) {
        fputc(' ', out->to);
        put_word(out, word);
    }
    fprintf(out->to, "  %s%s\n", says, out->colored ? output_style(out, STYLE_PLAIN) : "");
    va_end(words);
}

void output_more(struct output *out, uint64_t shown, uint64_t total)
{
    char count[40];
    if (out->as_json || total <= shown)
        return;
    fprintf(out->to, "%s… %s more (--limit 0 shows all)%s\n", output_style(out, STYLE_DIM),
            text_count(total - shown, count, sizeof count),
            *output_style(out, STYLE_DIM) ? output_style(out, STYLE_PLAIN) : "");
}
