/* convert_bare CORE OUTPUT: like `heldby convert`, but without any file of this machine: what a core says by
 * itself. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "formats/elf/core.h"
#include "formats/extract/extract.h"

int main(int argc, char **argv)
{
    struct error err;
    char text[4096];
    if (argc != 3)
        return 2;
    struct process_image *image = core_open(argv[1], &(struct core_options){.no_files = true}, &err);
    int fd = open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct extract_options options = {.fd = fd, .value_bytes = 64, .input = argv[1], .pause_seconds = -1};
    if (image == NULL || fd < 0 || !extract(image, &options, &err)) {
        fprintf(stderr, "convert_bare: %s\n", error_text(&err, text, sizeof(text)));
        return 3;
    }
    process_image_free(image);
    return close(fd) == 0 ? 0 : 4;
}
