// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A guest's network under load, by a peer on the host (peer.py):
 *   io_net send ADDRESS PORT KIB      one TCP connection, of which all was received at the end
 *   io_net receive ADDRESS PORT KIB
 *   io_net echo ADDRESS PORT COUNT DEPTH      datagrams of 64 bytes that come back, DEPTH under way
 * A datagram that is lost is sent again after a second: that is what it costs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "io.h"

static uint8_t buffer[256 << 10];

static int connected(int type, const char *address, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, type, 0);

    need(fd >= 0 && inet_pton(AF_INET, address, &to.sin_addr) == 1, "address");
    need(!connect(fd, (struct sockaddr *)&to, sizeof(to)), "connect");
    return fd;
}

static void send_bytes(int fd, uint64_t left)
{
    uint8_t last;

    work_begins();
    while (left) {
        ssize_t n = write(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer));

        need(n > 0, "write");
        left -= (uint64_t)n;
    }
    shutdown(fd, SHUT_WR);
    need(read(fd, &last, 1) == 1, "the peer's answer");
    work_ends();
}

static void receive_bytes(int fd, uint64_t left)
{
    const uint64_t wanted = left;

    work_begins();
    need(write(fd, &wanted, sizeof(wanted)) == sizeof(wanted), "write");
    while (left) {
        ssize_t n = read(fd, buffer, left < sizeof(buffer) ? left : sizeof(buffer));

        need(n > 0, "read");
        left -= (uint64_t)n;
    }
    work_ends();
}

static void echo(int fd, unsigned long count, unsigned long depth)
{
    const struct timeval patience = {.tv_sec = 1};
    unsigned long sent = 0, back = 0;

    need(!setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), "setsockopt");
    work_begins();
    for (; sent < depth && sent < count; sent++)
        need(write(fd, buffer, 64) == 64, "write");
    while (back < count) {
        ssize_t n = read(fd, buffer, sizeof(buffer));

        if (n < 0 && errno == EAGAIN) {
            need(write(fd, buffer, 64) == 64, "write");
            continue;
        }
        need(n == 64, "read");
        back++;
        if (sent++ < count)
            need(write(fd, buffer, 64) == 64, "write");
    }
    work_ends();
}

int main(int argc, char **argv)
{
    int udp;

    need(argc >= 5, "arguments");
    udp = !strcmp(argv[1], "echo");
    need(!udp || argc == 6, "arguments");
    int fd = connected(udp ? SOCK_DGRAM : SOCK_STREAM, argv[2], argv[3]);
    if (udp)
        echo(fd, strtoul(argv[4], NULL, 10), strtoul(argv[5], NULL, 10));
    else if (!strcmp(argv[1], "send"))
        send_bytes(fd, strtoull(argv[4], NULL, 10) << 10);
    else
        receive_bytes(fd, strtoull(argv[4], NULL, 10) << 10);
    return 0;
}
