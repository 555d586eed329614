/* Put before the C library of a program: its disk hangs as long as the file HANG is in its folder. */
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>

int fdatasync(int file) {
    while (access("HANG", F_OK) == 0) usleep(10000);
    return syscall(SYS_fdatasync, file);
}

int fsync(int file) {
    while (access("HANG", F_OK) == 0) usleep(10000);
    return syscall(SYS_fsync, file);
}
