/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See machine_state.h. Locks of open file descriptions (fcntl(2), F_OFD_SETLK). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "frontends/library/machine_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/error.h"

static const char *const words[] = {"off", "running", "paused"};

struct machine_state_lock {
    int fd;
};

char *machine_sibling(const char *ini, const char *end)
{
    size_t len = strlen(ini);

    if (g_str_has_suffix(ini, ".ini"))
        len -= 4;
    return g_strdup_printf("%.*s%s", (int)len, ini, end);
}

void machine_state_tell(struct machine_state_lock *l, enum machine_state state)
{
    char text[64];
    int len = snprintf(text, sizeof(text), "%s %d\n", words[state], (int)getpid());

    /* what does not get there is only not seen */
    if (pwrite(l->fd, text, (size_t)len, 0) == len && ftruncate(l->fd, len) < 0)
        return;
}

struct machine_state_lock *machine_state_claim(const char *ini, GError **err)
{
    g_autofree char *path = machine_sibling(ini, ".state");
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct machine_state_lock *l;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), pid;

    if (fd < 0) {
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_FILE, "cannot open %s: %s", path,
                    g_strerror(errno));
        return NULL;
    }
    if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
        machine_state_look(ini, &pid);
        close(fd);
        g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG,
                    "the machine %s runs already (process %d)", ini, pid);
        return NULL;
    }
    l = g_new0(struct machine_state_lock, 1);
    l->fd = fd;
    machine_state_tell(l, MACHINE_RUNNING);
    return l;
}

void machine_state_release(struct machine_state_lock *l)
{
    if (!l)
        return;
    machine_state_tell(l, MACHINE_OFF);
    close(l->fd);
    g_free(l);
}

enum machine_state machine_state_look(const char *ini, int *pid)
{
    g_autofree char *path = machine_sibling(ini, ".state");
    struct flock held = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    enum machine_state state = MACHINE_OFF;
    char text[64] = "", word[16] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), who = 0;

    if (pid)
        *pid = 0;
    if (fd < 0)
        return MACHINE_OFF;
    if (fcntl(fd, F_OFD_GETLK, &held) == 0 && held.l_type != F_UNLCK) {
        state = MACHINE_RUNNING;
        if (pread(fd, text, sizeof(text) - 1, 0) > 0 && sscanf(text, "%15s %d", word, &who) == 2 &&
            !strcmp(word, words[MACHINE_PAUSED]))
            state = MACHINE_PAUSED;
        if (pid)
            *pid = who;
    }
    close(fd);
    return state;
}
