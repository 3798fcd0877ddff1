/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the character backends share among themselves. A backend over file descriptors has a queue
 * in each direction, both guarded by the device lock.
 */
#ifndef BACKENDS_CHAR_IMPL_H
#define BACKENDS_CHAR_IMPL_H

#include "backends/char.h"
#include "backends/char_stdio.h"
#include "base/lock.h"

struct chardev {
    struct lock *lock;       /* the device lock; NULL in a program without threads */
    struct char_receiver rx; /* receive is NULL: nobody */
    const char *name;        /* for messages */
    GString *memory;         /* memory backend: what was written */
    void (*wrote)(void *opaque, const uint8_t *buf, size_t len); /* hook backend */
    void *wrote_opaque;

    int in_fd, out_fd;          /* -1: none */
    bool owns_fds;              /* close them */
    bool drop_when_full;        /* nobody may be reading: never wait for room */
    int spare_fd;               /* a pty's own end, kept open */
    char *pty_path;             /* NULL for others */
    struct char_tty *tty;       /* the terminal's old settings, NULL for others */
    struct char_socket *socket; /* whose client is in in_fd and out_fd; NULL for others */

    GByteArray *in;  /* input the device has not taken */
    guint in_watch;  /* GLib source ids; 0 when not waiting */
    bool in_closed;  /* end of file, or an error */
    GByteArray *out; /* output the host has not taken */
    guint out_watch;
    bool out_closed;  /* an error: output is dropped */
    bool out_stalled; /* the host took nothing for long: do not wait again until it does */
    bool dropped;     /* said so already */

    bool escapes; /* Ctrl-A is special */
    bool after_ctrl_a;
    void (*escape)(void *opaque, int key);
    void *escape_opaque;
    /* who has the keys instead of the device, or NULL; main thread */
    void (*typed)(void *opaque, const uint8_t *buf, size_t len);
    void *typed_opaque;
};

/* Starts the input side of c->in_fd. */
void char_fd_start(struct chardev *c);

void char_fd_write(struct chardev *c, const uint8_t *buf, size_t len);
void char_fd_accept_input(struct chardev *c);

/* Stops both directions; output gets a last chance to leave. */
void char_fd_stop(struct chardev *c);

/* A socket is behind c from now on. False with an error; char_socket_close in any case. */
struct socket_place;
bool char_socket_open(struct chardev *c, const struct socket_place *place, GError **err);
void char_socket_close(struct chardev *c);

/* Its client has gone: on the main thread without the device lock; or somebody who writes finds so,
 * with it, and the main thread will. */
void char_socket_lost(struct chardev *c);
void char_socket_broken(struct chardev *c);

/* A new pseudo-terminal: its master in *master, an open descriptor of the other side in *slave and
 * that one's path (g_free). False with an error. */
bool char_pty_open(int *master, int *slave, char **path, GError **err);

#endif
