/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parameters of user networking, as QEMU names them; see net_user.h. */
#include "backends/net_user.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#define NAME_MAX_LEN 255 /* of a host, as DHCP can tell it */
#define BOOTFILE_MAX 127 /* RFC 2131: 128 bytes with the zero */

static void clear_guestfwd(gpointer p)
{
    struct net_guestfwd *f = p;

    g_free(f->command);
    g_free(f->unix_path);
}

struct net_user_options *net_user_options_new(void)
{
    struct net_user_options *o = g_new0(struct net_user_options, 1);

    o->ipv4 = o->ipv6 = true;
    o->net.s_addr = htonl(0x0a000200); /* 10.0.2.0/24 */
    o->mask.s_addr = htonl(0xffffff00);
    inet_pton(AF_INET6, "fec0::", &o->prefix6);
    o->prefix6_len = 64;
    o->dnssearch = g_ptr_array_new_with_free_func(g_free);
    o->hostfwd = g_array_new(FALSE, TRUE, sizeof(struct net_hostfwd));
    o->guestfwd = g_array_new(FALSE, TRUE, sizeof(struct net_guestfwd));
    g_array_set_clear_func(o->guestfwd, clear_guestfwd);
    return o;
}

void net_user_options_free(struct net_user_options *o)
{
    if (!o)
        return;
    g_free(o->hostname);
    g_free(o->domainname);
    g_free(o->tftp);
    g_free(o->tftp_server_name);
    g_free(o->bootfile);
    g_ptr_array_unref(o->dnssearch);
    g_array_unref(o->hostfwd);
    g_array_unref(o->guestfwd);
    g_free(o);
}

/* ---- addresses ---- */

static bool parse_address(const char *what, const char *text, struct in_addr *out, GError **err)
{
    return inet_pton(AF_INET, text, out) == 1 ||
           error_option(err, "%s: '%s' is not an IPv4 address", what, text);
}

static bool parse_address6(const char *what, const char *text, struct in6_addr *out, GError **err)
{
    return inet_pton(AF_INET6, text, out) == 1 ||
           error_option(err, "%s: '%s' is not an IPv6 address", what, text);
}

static bool parse_decimal(const char *text, unsigned max, unsigned *out)
{
    guint64 n;

    if (!g_ascii_string_to_unsigned(text, 10, 0, max, &n, NULL))
        return false;
    *out = (unsigned)n;
    return true;
}

/* "10.0.2.0/24", "10.0.2.0/255.255.255.0", or without a mask that of the address's class. */
static bool parse_net(struct net_user_options *o, const char *text, GError **err)
{
    char *addr = g_strdup(text), *mask = strchr(addr, '/');
    unsigned len = 0;
    bool ok;

    if (mask)
        *mask++ = 0;
    ok = parse_address("net", addr, &o->net, err);
    if (ok && !mask) {
        uint32_t top = ntohl(o->net.s_addr) >> 24;

        len = top < 128 ? 8 : top < 192 ? 16 : 24;
    } else if (ok && strchr(mask, '.')) {
        uint32_t bits;

        ok = parse_address("net", mask, &o->mask, err);
        bits = ~ntohl(o->mask.s_addr);
        if (ok && (bits & (bits + 1)))
            ok = error_option(err, "net: '%s' is not a mask", mask);
        len = 0;
    } else if (ok && (!parse_decimal(mask, 32, &len) || !len)) {
        ok = error_option(err, "net: '%s' is not the length of a mask (1 to 32)", mask);
    }
    if (ok && len)
        o->mask.s_addr = htonl(~(uint32_t)0 << (32 - len));
    if (ok)
        o->net.s_addr &= o->mask.s_addr;
    o->net_given = true;
    g_free(addr);
    return ok;
}

static bool parse_prefix6(struct net_user_options *o, const char *text, GError **err)
{
    char *addr = g_strdup(text), *len = strchr(addr, '/');
    bool ok;

    if (len)
        *len++ = 0;
    o->prefix6_given = true;
    o->prefix6_len = 64;
    ok = parse_address6("ipv6-net", addr, &o->prefix6, err) &&
         (!len || parse_decimal(len, 126, &o->prefix6_len) ||
          error_option(err, "ipv6-net: '%s' is not the length of a prefix (0 to 126)", len));
    g_free(addr);
    return ok;
}

/* ---- forwards ---- */

/* Cuts the next part off at `end`; NULL when there is none. */
static char *cut(char **at, char end)
{
    char *part = *at, *stop = strchr(part, end);

    if (!stop)
        return NULL;
    *stop = 0;
    *at = stop + 1;
    return part;
}

static bool parse_port(const char *what, const char *text, bool zero, uint16_t *out, GError **err)
{
    unsigned n;

    if (!parse_decimal(text, 65535, &n) || (!n && !zero))
        return error_option(err, "%s: '%s' is not a port", what, text);
    *out = (uint16_t)n;
    return true;
}

bool net_hostfwd_parse(const char *text, bool removal, struct net_hostfwd *out, GError **err)
{
    char *copy = g_strdup(text), *at = copy;
    char *kind = cut(&at, ':'), *host = kind ? cut(&at, ':') : NULL;
    char *host_port = host && !removal ? cut(&at, '-') : host ? at : NULL;
    char *guest = host_port && !removal ? cut(&at, ':') : NULL;
    bool ok = host_port && (removal || guest);

    *out = (struct net_hostfwd){0};
    if (!ok)
        error_option(err, "hostfwd: '%s' is not like %s", text,
                     removal ? "tcp:127.0.0.1:2222" : "tcp:127.0.0.1:2222-:22");
    if (ok && *kind && strcmp(kind, "tcp") && strcmp(kind, "udp"))
        ok = error_option(err, "hostfwd: '%s' is neither tcp nor udp", kind);
    out->udp = ok && !strcmp(kind, "udp");
    ok = ok && (!*host || parse_address("hostfwd", host, &out->host, err)) &&
         parse_port("hostfwd", host_port, !removal, &out->host_port, err);
    if (!removal)
        ok = ok && (!*guest || parse_address("hostfwd", guest, &out->guest, err)) &&
             parse_port("hostfwd", at, false, &out->guest_port, err);
    g_free(copy);
    return ok;
}

/* "tcp:ADDRESS:PORT-cmd:COMMAND" or "…-unix:PATH". */
static bool parse_guestfwd(struct net_user_options *o, const char *text, GError **err)
{
    char *copy = g_strdup(text), *at = copy;
    char *kind = cut(&at, ':'), *server = kind ? cut(&at, ':') : NULL;
    char *port = server ? cut(&at, '-') : NULL;
    struct net_guestfwd f = {0};
    bool ok = true;

    if (!port || (*kind && strcmp(kind, "tcp")))
        ok = error_option(err, "guestfwd: '%s' is not like tcp:10.0.2.100:80-cmd:PROGRAM", text);
    ok = ok && parse_address("guestfwd", server, &f.server, err) &&
         parse_port("guestfwd", port, false, &f.port, err);
    if (ok && g_str_has_prefix(at, "cmd:") && at[4])
        f.command = g_strdup(at + 4);
    else if (ok && g_str_has_prefix(at, "unix:") && at[5] &&
             strlen(at + 5) < sizeof(((struct sockaddr_un *)0)->sun_path))
        f.unix_path = g_strdup(at + 5);
    else if (ok)
        ok = error_option(err, "guestfwd: '%s' is neither cmd:PROGRAM nor unix:PATH", at);
    if (ok)
        g_array_append_val(o->guestfwd, f);
    g_free(copy);
    return ok;
}

static bool add_hostfwd(struct net_user_options *o, const char *text, GError **err)
{
    struct net_hostfwd f;

    if (!net_hostfwd_parse(text, false, &f, err))
        return false;
    g_array_append_val(o->hostfwd, f);
    return true;
}

/* ---- the keys ---- */

static bool set_text(const char *key, const char *value, size_t max, char **out, GError **err)
{
    if (!*value || strlen(value) > max)
        return error_option(err, "%s: 1 to %zu characters are needed", key, max);
    g_free(*out);
    *out = g_strdup(value);
    return true;
}

static bool set_switch(const char *key, const char *value, bool *out, GError **err)
{
    if (!strcmp(value, "on") || !strcmp(value, "yes") || !strcmp(value, "y"))
        *out = true;
    else if (!strcmp(value, "off") || !strcmp(value, "no") || !strcmp(value, "n"))
        *out = false;
    else
        return error_option(err, "%s is 'on' or 'off', not '%s'", key, value);
    return true;
}

static bool set_tftp(struct net_user_options *o, const char *value, GError **err)
{
    struct stat st;

    if (stat(value, &st) || !S_ISDIR(st.st_mode))
        return error_option(err, "tftp: '%s' is not a directory", value);
    g_free(o->tftp);
    o->tftp = g_strdup(value);
    return true;
}

static bool set_search(struct net_user_options *o, const char *value, GError **err)
{
    if (!*value || strlen(value) > NAME_MAX_LEN)
        return error_option(err, "dnssearch: 1 to %d characters are needed", NAME_MAX_LEN);
    g_ptr_array_add(o->dnssearch, g_strdup(value));
    return true;
}

enum key {
    NET,
    HOST,
    DHCPSTART,
    DNS,
    RESTRICT,
    HOSTFWD,
    GUESTFWD,
    TFTP,
    TFTP_NAME,
    BOOTFILE,
    HOSTNAME,
    DOMAINNAME,
    DNSSEARCH,
    IPV4,
    IPV6,
    IPV6_NET,
    IPV6_PREFIX,
    IPV6_PREFIXLEN,
    IPV6_HOST,
    IPV6_DNS,
};
const char *const net_user_keys[] = {
    "net",       "host",        "dhcpstart",
    "dns",       "restrict",    "hostfwd",
    "guestfwd",  "tftp",        "tftp-server-name",
    "bootfile",  "hostname",    "domainname",
    "dnssearch", "ipv4",        "ipv6",
    "ipv6-net",  "ipv6-prefix", "ipv6-prefixlen",
    "ipv6-host", "ipv6-dns",    NULL,
};

static bool set_v6(struct net_user_options *o, enum key k, const char *v, GError **err)
{
    switch (k) {
    case IPV6_NET: return parse_prefix6(o, v, err);
    case IPV6_PREFIX:
        o->prefix6_given = true;
        return parse_address6("ipv6-prefix", v, &o->prefix6, err);
    case IPV6_PREFIXLEN:
        return parse_decimal(v, 126, &o->prefix6_len) ||
               error_option(err, "ipv6-prefixlen: '%s' is not a number up to 126", v);
    case IPV6_HOST: o->host6_given = true; return parse_address6("ipv6-host", v, &o->host6, err);
    default: o->dns6_given = true; return parse_address6("ipv6-dns", v, &o->dns6, err);
    }
}

static bool set_key(struct net_user_options *o, enum key k, const char *v, GError **err)
{
    switch (k) {
    case NET: return parse_net(o, v, err);
    case HOST: o->host_given = true; return parse_address("host", v, &o->host, err);
    case DHCPSTART:
        o->dhcpstart_given = true;
        return parse_address("dhcpstart", v, &o->dhcpstart, err);
    case DNS: o->dns_given = true; return parse_address("dns", v, &o->dns, err);
    case RESTRICT: return set_switch("restrict", v, &o->restricted, err);
    case HOSTFWD: return add_hostfwd(o, v, err);
    case GUESTFWD: return parse_guestfwd(o, v, err);
    case TFTP: return set_tftp(o, v, err);
    case TFTP_NAME: return set_text("tftp-server-name", v, NAME_MAX_LEN, &o->tftp_server_name, err);
    case BOOTFILE: return set_text("bootfile", v, BOOTFILE_MAX, &o->bootfile, err);
    case HOSTNAME: return set_text("hostname", v, NAME_MAX_LEN, &o->hostname, err);
    case DOMAINNAME: return set_text("domainname", v, NAME_MAX_LEN, &o->domainname, err);
    case DNSSEARCH: return set_search(o, v, err);
    case IPV4: return set_switch("ipv4", v, &o->ipv4, err);
    case IPV6: return set_switch("ipv6", v, &o->ipv6, err);
    default: return set_v6(o, k, v, err);
    }
}

int net_user_option(struct net_user_options *o, const char *key, const char *value, GError **err)
{
    for (unsigned k = 0; net_user_keys[k]; k++) {
        if (!strcmp(key, net_user_keys[k]))
            return set_key(o, (enum key)k, value, err) ? 1 : -1;
    }
    return 0;
}

/* ---- all together ---- */

static bool in_net(const struct net_user_options *o, struct in_addr a)
{
    uint32_t host = ntohl(a.s_addr) & ~ntohl(o->mask.s_addr);

    return (a.s_addr & o->mask.s_addr) == o->net.s_addr && host && host != ~ntohl(o->mask.s_addr);
}

/* Address n of the network. */
static struct in_addr nth(const struct net_user_options *o, uint32_t n)
{
    return (struct in_addr){o->net.s_addr | htonl(n & ~ntohl(o->mask.s_addr))};
}

static bool check_place(const struct net_user_options *o, const char *what, struct in_addr a,
                        GError **err)
{
    char text[INET_ADDRSTRLEN];

    return in_net(o, a) || error_option(err, "%s: %s is not an address of the network", what,
                                        inet_ntop(AF_INET, &a, text, sizeof(text)));
}

static bool finish_v4(struct net_user_options *o, GError **err)
{
    if (ntohl(o->mask.s_addr) > 0xfffffff0u)
        return error_option(err, "net: it has no room for a host, a name server and a guest");
    if (!o->host_given)
        o->host = nth(o, 2);
    if (!o->dns_given)
        o->dns = nth(o, 3);
    if (!o->dhcpstart_given)
        o->dhcpstart = ntohl(o->mask.s_addr) > 0xffffffe0u ? nth(o, 4) : nth(o, 15);
    if (!check_place(o, "host", o->host, err) || !check_place(o, "dns", o->dns, err) ||
        !check_place(o, "dhcpstart", o->dhcpstart, err))
        return false;
    if (o->host.s_addr == o->dns.s_addr || o->host.s_addr == o->dhcpstart.s_addr ||
        o->dns.s_addr == o->dhcpstart.s_addr)
        return error_option(err, "host, dns and dhcpstart must be three addresses");
    return true;
}

static bool same_prefix(const struct net_user_options *o, const struct in6_addr *a)
{
    unsigned bytes = o->prefix6_len / 8, rest = o->prefix6_len % 8;
    uint8_t mask = (uint8_t)(0xff00 >> rest);

    return !memcmp(a, &o->prefix6, bytes) &&
           (!rest || !((a->s6_addr[bytes] ^ o->prefix6.s6_addr[bytes]) & mask));
}

static bool finish_v6(struct net_user_options *o, GError **err)
{
    if (!o->host6_given) {
        o->host6 = o->prefix6;
        o->host6.s6_addr[15] |= 2;
    }
    if (!o->dns6_given) {
        o->dns6 = o->prefix6;
        o->dns6.s6_addr[15] |= 3;
    }
    if (!same_prefix(o, &o->host6) || !same_prefix(o, &o->dns6))
        return error_option(err, "ipv6-host and ipv6-dns must be addresses of the network");
    if (!memcmp(&o->host6, &o->dns6, sizeof(o->host6)))
        return error_option(err, "ipv6-host and ipv6-dns must be two addresses");
    return true;
}

bool net_user_options_finish(struct net_user_options *o, GError **err)
{
    if (!o->ipv4 && !o->ipv6)
        return error_option(err, "a network needs ipv4 or ipv6");
    if (!o->ipv4 && (o->hostfwd->len || o->guestfwd->len))
        return error_option(err, "hostfwd and guestfwd need ipv4");
    return finish_v4(o, err) && finish_v6(o, err);
}
