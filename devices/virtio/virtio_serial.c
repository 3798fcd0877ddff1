/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The console device; see virtio_serial.h. VIRTIO 1.1: 5.3.2 queues, 5.3.4 configuration, 5.3.6
 * ports and their control messages. A driver without MULTIPORT has port 0 and no control.
 */
#include "devices/virtio/virtio_serial.h"

#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "base/log.h"

#define PIECE        4096u
#define MAX_CHAIN    (1u << 20) /* bytes of one chain that are taken */
#define MAX_MESSAGES 128u       /* that wait for the driver */
#define NAME_ROOM    (VIRTIO_SERIAL_NAME_MAX + 1)

enum {
    Q_CONTROL_IN = 2, /* to the driver */
    Q_CONTROL_OUT = 3,

    C_MAX_PORTS = 4,
    C_EMERGENCY = 8,
    CONFIG_LEN = 12,

    MESSAGE_SIZE = 8,
    DEVICE_READY = 0,
    PORT_ADD = 1,
    PORT_READY = 3,
    CONSOLE_PORT = 4,
    PORT_OPEN = 6,
    PORT_NAME = 7,
};

struct port {
    struct virtio_serial *d;
    unsigned nr;
    bool there, console;
    struct chardev *chr;
    char name[NAME_ROOM];
};

struct message {
    uint16_t port, event, value;
};

struct virtio_serial {
    struct device dev;
    struct virtio virtio;
    unsigned max_ports;
    struct port port[VIRTIO_SERIAL_MAX_PORTS];
    uint8_t writable[CONFIG_LEN];

    /* state */
    bool open[VIRTIO_SERIAL_MAX_PORTS]; /* in the guest */
    struct message message[MAX_MESSAGES];
    uint32_t n_messages;
};

static unsigned in_queue(unsigned port)
{
    return port ? 2 + 2 * port : 0;
}

static bool multiport(const struct virtio_serial *d)
{
    return virtio_has(&d->virtio, VIRTIO_CONSOLE_F_MULTIPORT);
}

/* ---- control messages to the driver ---- */

static size_t encode(const struct virtio_serial *d, const struct message *m, uint8_t *raw)
{
    size_t name = m->event == PORT_NAME ? strlen(d->port[m->port].name) : 0;

    st_le32(raw, m->port);
    st_le16(raw + 4, m->event);
    st_le16(raw + 6, m->value);
    memcpy(raw + MESSAGE_SIZE, d->port[m->port].name, name);
    return MESSAGE_SIZE + name;
}

static void send_messages(struct virtio_serial *d)
{
    struct virtqueue *q = &d->virtio.queue[Q_CONTROL_IN];
    uint8_t raw[MESSAGE_SIZE + NAME_ROOM];
    uint32_t done = 0;

    while (done < d->n_messages) {
        struct vq_elem *e = virtqueue_pop(q);
        size_t len;

        if (!e)
            break;
        len = encode(d, &d->message[done++], raw);
        virtqueue_push(q, e->head, (uint32_t)vq_elem_write(q, e, 0, raw, len));
        g_free(e);
    }
    if (!done)
        return;
    d->n_messages -= done;
    memmove(d->message, d->message + done, d->n_messages * sizeof(d->message[0]));
    virtqueue_notify(q);
}

static void tell(struct virtio_serial *d, unsigned port, uint16_t event, uint16_t value)
{
    if (d->n_messages == MAX_MESSAGES) {
        log_guest("virtio-serial: the driver takes no control messages; one is lost");
        return;
    }
    d->message[d->n_messages++] = (struct message){(uint16_t)port, event, value};
}

/* ---- and from it ---- */

static void device_ready(struct virtio_serial *d, bool ready)
{
    for (unsigned n = 0; ready && n < d->max_ports; n++) {
        if (d->port[n].there)
            tell(d, n, PORT_ADD, 1);
    }
}

/* The driver has made something of a port: what it is, what it is called, and that somebody is at
 * the other end. */
static void port_ready(struct virtio_serial *d, unsigned n)
{
    if (d->port[n].console)
        tell(d, n, CONSOLE_PORT, 1);
    if (*d->port[n].name)
        tell(d, n, PORT_NAME, 1);
    if (d->port[n].chr)
        tell(d, n, PORT_OPEN, 1);
}

static void obey(struct virtio_serial *d, const uint8_t *raw)
{
    uint32_t port = ld_le32(raw);
    unsigned event = ld_le16(raw + 4), value = ld_le16(raw + 6);

    if (event == DEVICE_READY) {
        device_ready(d, value);
        return;
    }
    if (port >= d->max_ports || !d->port[port].there) {
        log_guest("virtio-serial: there is no port %u", port);
        return;
    }
    if (event == PORT_READY && value) {
        port_ready(d, port);
    } else if (event == PORT_OPEN) {
        d->open[port] = value;
        char_accept_input(d->port[port].chr);
    }
}

static void take_messages(struct virtio_serial *d)
{
    struct virtqueue *q = &d->virtio.queue[Q_CONTROL_OUT];
    struct vq_elem *e;
    bool any = false;

    while ((e = virtqueue_pop(q))) {
        uint8_t raw[MESSAGE_SIZE];

        if (vq_elem_read(q, e, 0, raw, sizeof(raw)) == sizeof(raw))
            obey(d, raw);
        virtqueue_push(q, e->head, 0);
        g_free(e);
        any = true;
    }
    if (any)
        virtqueue_notify(q);
    send_messages(d);
}

/* ---- data ---- */

static void write_out(struct port *p, struct virtqueue *q, const struct vq_elem *e)
{
    uint8_t buf[PIECE];
    uint64_t end = MIN(e->out_len, (uint64_t)MAX_CHAIN);

    for (uint64_t at = 0; at < end;) {
        size_t n = vq_elem_read(q, e, at, buf, (size_t)MIN(end - at, (uint64_t)sizeof(buf)));

        char_write(p->chr, buf, n);
        at += n;
    }
}

static void data_out(struct virtio_serial *d, unsigned n)
{
    struct virtqueue *q = &d->virtio.queue[in_queue(n) + 1];
    struct vq_elem *e;
    bool any = false;

    while ((e = virtqueue_pop(q))) {
        if (d->port[n].there)
            write_out(&d->port[n], q, e);
        virtqueue_push(q, e->head, 0);
        g_free(e);
        any = true;
    }
    if (any)
        virtqueue_notify(q);
}

/* Room in the next buffer of the driver's. */
static size_t can_receive(void *opaque)
{
    struct port *p = opaque;
    struct virtio_serial *d = p->d;
    struct virtqueue *q = &d->virtio.queue[in_queue(p->nr)];
    struct vq_elem *e;
    size_t room;

    if (!d->virtio.running || (multiport(d) ? !d->open[p->nr] : p->nr != 0))
        return 0;
    e = virtqueue_pop(q);
    if (!e)
        return 0;
    room = (size_t)e->in_len;
    g_free(e);
    if (!room) {
        virtqueue_break(q, "a buffer for input has no room");
        return 0;
    }
    virtqueue_unpop(q);
    return room;
}

static void receive(void *opaque, const uint8_t *buf, size_t len)
{
    struct port *p = opaque;
    struct virtqueue *q = &p->d->virtio.queue[in_queue(p->nr)];
    struct vq_elem *e = virtqueue_pop(q);

    if (!e)
        return; /* the guest took it back between the two calls */
    virtqueue_push(q, e->head, (uint32_t)vq_elem_write(q, e, 0, buf, len));
    virtqueue_notify(q);
    g_free(e);
}

/* ---- life ---- */

static void serial_notify(void *self, unsigned n)
{
    struct virtio_serial *d = self;

    if (n == Q_CONTROL_IN) {
        send_messages(d);
        return;
    }
    if (n == Q_CONTROL_OUT) {
        take_messages(d);
        return;
    }
    n = n < 2 ? n : n - 2; /* two for each port from here on */
    if (n & 1)
        data_out(d, n / 2);
    else
        char_accept_input(d->port[n / 2].chr);
}

static void serial_run(void *self, bool running)
{
    struct virtio_serial *d = self;

    for (unsigned n = 0; running && n < d->virtio.cfg.queues; n++)
        virtio_queue_notified(&d->virtio, n);
}

static void serial_virtio_reset(void *self)
{
    struct virtio_serial *d = self;

    memset(d->open, 0, sizeof(d->open));
    d->n_messages = 0;
    memset(d->message, 0, sizeof(d->message));
    memset(d->virtio.config, 0, CONFIG_LEN);
    st_le32(d->virtio.config + C_MAX_PORTS, d->max_ports);
}

/* 5.3.4: a character for the console, from a driver that is not even set up. */
static void config_written(void *self, unsigned off, unsigned len)
{
    struct virtio_serial *d = self;
    uint8_t *at = d->virtio.config + C_EMERGENCY;

    if (off > C_EMERGENCY || off + len <= C_EMERGENCY)
        return;
    if (d->port[0].there)
        char_write(d->port[0].chr, at, 1);
    memset(at, 0, 4);
}

static const struct virtio_class serial_class = {
    .name = "virtio-serial",
    .id = VIRTIO_ID_CONSOLE,
    .pci_class = 0x078000,
    .notify = serial_notify,
    .run = serial_run,
    .reset = serial_virtio_reset,
    .config_written = config_written,
};

static const struct state_field serial_fields[] = {
    VIRTIO_STATE_FIELDS(struct virtio_serial, virtio),
    STATE_ARRAY(struct virtio_serial, open),
    STATE_ARRAY(struct virtio_serial, message),
    STATE_FIELD(struct virtio_serial, n_messages),
    STATE_END,
};

static void serial_reset(void *self)
{
    virtio_reset(&((struct virtio_serial *)self)->virtio);
}

static void serial_post_load(void *self)
{
    struct virtio_serial *d = self;

    if (d->n_messages > MAX_MESSAGES)
        d->n_messages = 0;
    for (unsigned k = 0; k < d->n_messages; k++) {
        if (d->message[k].port >= d->max_ports)
            d->n_messages = 0;
    }
    virtio_post_load(&d->virtio);
}

static void serial_destroy(void *self)
{
    struct virtio_serial *d = self;

    for (unsigned n = 0; n < d->max_ports; n++) {
        if (d->port[n].chr)
            char_set_receiver(d->port[n].chr, NULL);
    }
    virtio_detach(&d->virtio);
    g_free(d);
}

static const struct device_type serial_type = {
    .name = "virtio-serial",
    .version = 1,
    .fields = serial_fields,
    .reset = serial_reset,
    .post_load = serial_post_load,
    .destroy = serial_destroy,
};

struct virtio_serial *virtio_serial_new(const struct virtio_serial_config *cfg, GError **err)
{
    struct virtio_serial *d = g_new0(struct virtio_serial, 1);
    struct virtio_config virtio = {.class = &serial_class,
                                   .self = d,
                                   .bus = cfg->bus,
                                   .devfn = cfg->devfn,
                                   .form = cfg->form,
                                   .features =
                                       VIRTIO_CONSOLE_F_MULTIPORT | VIRTIO_CONSOLE_F_EMERG_WRITE,
                                   .queues = 2 + 2 * cfg->max_ports,
                                   .queue_size = 128,
                                   .config_len = CONFIG_LEN,
                                   .writable = d->writable};

    invariant(cfg->max_ports && cfg->max_ports <= VIRTIO_SERIAL_MAX_PORTS);
    d->dev = (struct device){&serial_type, d};
    d->max_ports = cfg->max_ports;
    memset(d->writable + C_EMERGENCY, 0xff, 4);
    if (!virtio_attach(&d->virtio, &virtio, err)) {
        serial_destroy(d);
        return NULL;
    }
    device_reset(&d->dev);
    return d;
}

struct device *virtio_serial_device(struct virtio_serial *d)
{
    return &d->dev;
}

static bool fail(GError **err, const char *what, int nr)
{
    g_set_error(err, PENUMBRA_ERROR, PENUMBRA_ERROR_CONFIG, what, nr);
    return false;
}

bool virtio_serial_add_port(struct virtio_serial *d, int nr, const struct virtio_serial_port *port,
                            GError **err)
{
    struct char_receiver rx = {NULL, can_receive, receive};
    int first = port->console ? 0 : 1, max = (int)d->max_ports;
    struct port *p;

    for (int n = first; nr < 0 && n < max; n++)
        nr = d->port[n].there ? nr : n;
    if (nr < 0)
        return fail(err, "the virtio-serial-pci has no port left of its %d", max);
    if (nr >= max)
        return fail(err, "the virtio-serial-pci has no port %d", nr);
    if (nr < first)
        return fail(err, "port %d of a virtio-serial-pci is for a console", nr);
    p = &d->port[nr];
    if (p->there)
        return fail(err, "port %d of the virtio-serial-pci is there already", nr);
    if (port->name && strlen(port->name) > VIRTIO_SERIAL_NAME_MAX)
        return fail(err, "a port's name has at most %d bytes", (int)VIRTIO_SERIAL_NAME_MAX);
    *p = (struct port){
        .d = d, .nr = (unsigned)nr, .there = true, .console = port->console, .chr = port->chr};
    if (port->name)
        g_strlcpy(p->name, port->name, sizeof(p->name));
    rx.opaque = p;
    if (p->chr)
        char_set_receiver(p->chr, &rx);
    return true;
}
