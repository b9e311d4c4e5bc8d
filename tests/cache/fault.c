/* A disk that fails, for one process: preloaded, it counts the calls that reach files whose path
   holds FAULT_IN and spoils the FAULT_AT-th (from 0) of the kind FAULT_CALL in the way FAULT_HOW; "touch" spoils
   nothing, and notes a change of the file FAULT_MODEL meanwhile. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int calls = 0;

/* 0: as ever; else what the call is to do instead. */
static int spoils(const char* call, int file) {
    char link[64], path[4096];
    const char* wanted = getenv("FAULT_CALL");
    if (wanted == NULL || strcmp(wanted, call) != 0) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    if (strstr(path, getenv("FAULT_IN")) == NULL) return 0;
    if (calls++ != atoi(getenv("FAULT_AT"))) return 0;
    if (strcmp(getenv("FAULT_HOW"), "kill") == 0) kill(getpid(), SIGKILL);
    if (strcmp(getenv("FAULT_HOW"), "touch") == 0) return chmod(getenv("FAULT_MODEL"), 0600);
    return strcmp(getenv("FAULT_HOW"), "full") == 0 ? ENOSPC : EIO;
}

ssize_t write(int file, const void* data, size_t size) {
    ssize_t (*real)(int, const void*, size_t) = dlsym(RTLD_NEXT, "write");
    const int error = spoils("write", file);
    if (error == 0) return real(file, data, size);
    /* A part arrives, as on a disk that runs full. */
    if (calls == 1 && size > 1) return real(file, data, size / 2);
    errno = error;
    return -1;
}

int fsync(int file) {
    int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
    const int error = spoils("fsync", file);
    if (error == 0) return real(file);
    if (strcmp(getenv("FAULT_HOW"), "removed") == 0) { /* as by another process that clears */
        char command[4200];
        snprintf(command, sizeof command, "rm '%s'/*.model", getenv("FAULT_IN"));
        unsetenv("LD_PRELOAD");
        return system(command);
    }
    errno = error;
    return -1;
}

int renameat(int from, const char* old, int to, const char* new) {
    int (*real)(int, const char*, int, const char*) = dlsym(RTLD_NEXT, "renameat");
    const int error = spoils("renameat", from);
    if (error == 0) return real(from, old, to, new);
    errno = error;
    return -1;
}
