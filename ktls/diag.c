// SPDX-License-Identifier: MIT
/*
 * The truth from the kernel: which sockets carry TLS, by inet_diag over netlink. The kernel
 * fills in the ULP's attributes for CAP_NET_ADMIN only, and leaves them out silently else.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/capability.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/syscall.h>

#include "ktls_internal.h"

struct listing {
	void (*each)(const struct rtls_diag_socket *socket, void *arg);
	void *arg;
	int count;
};

static bool has_net_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return !syscall(SYS_capget, &header, data) &&
	       data[0].effective & 1u << CAP_NET_ADMIN;
}

static enum rtls_diag_mode mode(uint16_t conf)
{
	switch (conf) {
	case TLS_CONF_SW:
		return RTLS_DIAG_SOFTWARE;
	case TLS_CONF_HW:
	case TLS_CONF_HW_RECORD:
		return RTLS_DIAG_NIC;
	default:
		return RTLS_DIAG_NONE;
	}
}

static int tls_attribute(const struct nlattr *attribute, void *arg)
{
	struct rtls_diag_socket *socket = arg;

	if (mnl_attr_validate(attribute, MNL_TYPE_U16) < 0)
		return MNL_CB_OK; /* a flag of newer kernels */
	switch (mnl_attr_get_type(attribute)) {
	case TLS_INFO_VERSION:
		socket->version = mnl_attr_get_u16(attribute);
		break;
	case TLS_INFO_CIPHER:
		socket->cipher = mnl_attr_get_u16(attribute);
		break;
	case TLS_INFO_TXCONF:
		socket->tx = mode(mnl_attr_get_u16(attribute));
		break;
	case TLS_INFO_RXCONF:
		socket->rx = mode(mnl_attr_get_u16(attribute));
		break;
	}
	return MNL_CB_OK;
}

/* Walks the attributes of a socket down to the TLS ones; @found where the ULP is "tls". */
static void read_ulp(const struct nlattr *ulp, struct rtls_diag_socket *socket, bool *found)
{
	const struct nlattr *attribute;

	mnl_attr_for_each_nested(attribute, ulp) {
		if (mnl_attr_get_type(attribute) == INET_ULP_INFO_NAME)
			*found = !strcmp(mnl_attr_get_str(attribute), "tls");
		else if (mnl_attr_get_type(attribute) == INET_ULP_INFO_TLS)
			mnl_attr_parse_nested(attribute, tls_attribute, socket);
	}
}

static int socket_message(const struct nlmsghdr *message, void *arg)
{
	const struct inet_diag_msg *diag = mnl_nlmsg_get_payload(message);
	struct rtls_diag_socket socket = {
		.family = diag->idiag_family,
		.local_port = ntohs(diag->id.idiag_sport),
		.remote_port = ntohs(diag->id.idiag_dport),
		.inode = diag->idiag_inode,
	};
	struct listing *listing = arg;
	const struct nlattr *attribute;
	bool found = false;

	memcpy(socket.local, diag->id.idiag_src, sizeof(socket.local));
	memcpy(socket.remote, diag->id.idiag_dst, sizeof(socket.remote));
	mnl_attr_for_each(attribute, message, sizeof(*diag))
		if (mnl_attr_get_type(attribute) == INET_DIAG_ULP_INFO)
			read_ulp(attribute, &socket, &found);
	if (found) {
		listing->count++;
		listing->each(&socket, listing->arg);
	}
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *netlink, uint8_t family, struct listing *listing)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 *request;
	unsigned int seq = family;
	ssize_t n;
	int ret = MNL_CB_OK;

	message->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = seq;
	request = mnl_nlmsg_put_extra_header(message, sizeof(*request));
	request->sdiag_family = family;
	request->sdiag_protocol = IPPROTO_TCP;
	request->idiag_states = ~0u;
	request->idiag_ext = 1 << (INET_DIAG_INFO - 1);
	if (mnl_socket_sendto(netlink, message, message->nlmsg_len) < 0)
		return -errno;
	while (ret == MNL_CB_OK) {
		n = mnl_socket_recvfrom(netlink, buf, sizeof(buf));
		if (n < 0)
			return -errno;
		ret = mnl_cb_run(buf, n, seq, mnl_socket_get_portid(netlink), socket_message,
				 listing);
	}
	return ret < 0 ? -errno : 0;
}

int rtls_ktls_diag(void (*each)(const struct rtls_diag_socket *socket, void *arg), void *arg)
{
	struct listing listing = { .each = each, .arg = arg };
	struct mnl_socket *netlink;
	int ret;

	if (!has_net_admin())
		return -EPERM;
	netlink = mnl_socket_open(NETLINK_SOCK_DIAG);
	if (!netlink)
		return -errno;
	ret = mnl_socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
	if (!ret)
		ret = dump(netlink, AF_INET, &listing);
	if (!ret)
		ret = dump(netlink, AF_INET6, &listing);
	mnl_socket_close(netlink);
	return ret ? ret : listing.count;
}
