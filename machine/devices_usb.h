/* SPDX-License-Identifier: GPL-2.0-or-later */
/* USB on the board: its buses, which are the controllers', and what is plugged into them. */
#ifndef MACHINE_DEVICES_USB_H
#define MACHINE_DEVICES_USB_H

#include <glib.h>
#include <stdbool.h>

struct board;

/* -usb: the controller in the south bridge (00:01.2). Device lock held, no vCPU running. */
bool usb_build_board(struct board *b, GError **err);

/* What is plugged in, a device a line, as `info usb` prints it. Device lock held. */
void usb_describe(struct board *b, GString *out);

#endif
