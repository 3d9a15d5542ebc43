/* SPDX-License-Identifier: MIT */
/* keylog.h - the secrets of all sessions in a file, for Wireshark and its like */
#ifndef RINGTLS_CMD_KEYLOG_H
#define RINGTLS_CMD_KEYLOG_H

struct rtls_config;

/**
 * keylog_open - open the file that the environment's SSLKEYLOGFILE names, if it does
 *
 * Never where the program runs with more rights than its user has: who sets the environment
 * must not get at another's secrets.
 *
 * Return: EXIT_OK, or the exit code to leave with; cmd_error() has said why.
 */
int keylog_open(void);

/* Log there, if it was opened. Return: 0 or a negative RTLS_ERR_*. */
int keylog_set(struct rtls_config *config);

#endif
