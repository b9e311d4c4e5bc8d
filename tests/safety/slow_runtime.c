/* A runtime that opens, tells so, and waits for a pipe's end before it turns out to be none. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const void* OrtGetApiBase(void) {
    char byte;
    const int pipe = atoi(getenv("SLOW_RUNTIME_PIPE"));
    dprintf(STDOUT_FILENO, "in the runtime\n");
    while (read(pipe, &byte, 1) > 0) {
    }
    close(pipe);
    return NULL;
}
