// SPDX-License-Identifier: MIT
/* certificate.c - certificates, distinguished names and OCSP responses, by libcrypto */
#include <arpa/inet.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include "../cmd.h"
#include "decode.h"

/* ---- parts ------------------------------------------------------------------------- */

static void show_name(struct trace_page *page, const char *title, const X509_NAME *name)
{
	BIO *text = BIO_new(BIO_s_mem());
	char *data;
	long len;

	/* Its own escapes of what is not ASCII are left out: ours follow. */
	if (text && X509_NAME_print_ex(text, name, 0,
				       XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		len = BIO_get_mem_data(text, &data);
		trace_text(page, title, data, len);
	}
	BIO_free(text);
}

static void item_time(struct trace_page *page, const char *before, const ASN1_TIME *time)
{
	char text[32];
	struct tm tm;

	if (time && ASN1_TIME_to_tm(time, &tm) && strftime(text, sizeof(text), "%F %TZ", &tm))
		trace_item(page, "%s %s", before, text);
	else
		trace_item(page, "%s ?", before);
}

static void show_key(struct trace_page *page, const X509 *x509)
{
	EVP_PKEY *key = X509_get0_pubkey(x509);
	const char *type = key ? EVP_PKEY_get0_type_name(key) : NULL;
	char group[64];

	trace_begin(page, "public key");
	trace_item(page, "%s", type ? type : "of an unknown kind");
	if (key && EVP_PKEY_get_group_name(key, group, sizeof(group), NULL))
		trace_item(page, "%s", group);
	if (key)
		trace_item(page, "%d bits", EVP_PKEY_get_bits(key));
	trace_end(page);
}

static void show_signature(struct trace_page *page, const X509 *x509)
{
	const X509_ALGOR *algorithm;
	const ASN1_OBJECT *object;
	char name[128] = "";

	X509_get0_signature(NULL, &algorithm, x509);
	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	OBJ_obj2txt(name, sizeof(name), object, 0);
	trace_text(page, "signature algorithm", name, strlen(name));
}

static void item_general_name(struct trace_page *page, const GENERAL_NAME *name)
{
	const ASN1_STRING *string;
	char text[300];
	int family;

	switch (name->type) {
	case GEN_DNS:
	case GEN_EMAIL:
	case GEN_URI:
		string = name->d.ia5;
		text_escape(text, sizeof(text), ASN1_STRING_get0_data(string),
			    ASN1_STRING_length(string));
		trace_item(page, "%s", text);
		return;
	case GEN_IPADD:
		string = name->d.ip;
		family = ASN1_STRING_length(string) == 16 ? AF_INET6 : AF_INET;
		if ((family == AF_INET6 || ASN1_STRING_length(string) == 4) &&
		    inet_ntop(family, ASN1_STRING_get0_data(string), text, sizeof(text))) {
			trace_item(page, "%s", text);
			return;
		}
	}
	trace_item(page, "(of another kind)");
}

static void show_alternative_names(struct trace_page *page, const X509 *x509)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

	if (!names)
		return;
	trace_begin(page, "subjectAltName");
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
		item_general_name(page, sk_GENERAL_NAME_value(names, i));
	trace_end(page);
	GENERAL_NAMES_free(names);
}

/* ---- the whole ----------------------------------------------------------------------- */

static void show_x509(struct trace_page *page, X509 *x509)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x509);

	trace_hex(page, "serialNumber", ASN1_STRING_get0_data(serial), ASN1_STRING_length(serial));
	show_name(page, "issuer", X509_get_issuer_name(x509));
	trace_begin(page, "validity");
	item_time(page, "from", X509_get0_notBefore(x509));
	item_time(page, "to", X509_get0_notAfter(x509));
	trace_end(page);
	show_name(page, "subject", X509_get_subject_name(x509));
	show_key(page, x509);
	show_alternative_names(page, x509);
	if (X509_get_extension_flags(x509) & EXFLAG_CA)
		trace_line(page, "basicConstraints", "CA");
	show_signature(page, x509);
}

/* ASN.1Cert: opaque<1..2^24-1>. */
void trace_certificate(struct trace_page *page, struct trace_in *in)
{
	struct trace_in der = trace_vector(in, 3);
	const uint8_t *end = der.data;
	X509 *x509;

	if (der.bad)
		return;
	trace_line(page, "certificate", "X.509, %zu bytes", der.len);
	page->depth++;
	x509 = d2i_X509(NULL, &end, der.len);
	if (x509 && end == der.data + der.len)
		show_x509(page, x509);
	else
		trace_broken(page, der.data, der.len);
	X509_free(x509);
	page->depth--;
}

void trace_distinguished_name(struct trace_page *page, struct trace_in *in)
{
	struct trace_in der = trace_vector(in, 2);
	const uint8_t *end = der.data;
	X509_NAME *name;

	if (der.bad)
		return;
	name = d2i_X509_NAME(NULL, &end, der.len);
	if (name && end == der.data + der.len)
		show_name(page, "distinguished_name", name);
	else
		trace_broken(page, der.data, der.len);
	X509_NAME_free(name);
}

/* ---- OCSP ------------------------------------------------------------------------------ */

static void show_single(struct trace_page *page, OCSP_SINGLERESP *single)
{
	ASN1_GENERALIZEDTIME *revoked, *from, *to;
	int reason, status = OCSP_single_get0_status(single, &reason, &revoked, &from, &to);

	trace_line(page, "certStatus", "%s", OCSP_cert_status_str(status));
	trace_begin(page, "validity");
	item_time(page, "from", from);
	item_time(page, "to", to);
	trace_end(page);
	if (status == V_OCSP_CERTSTATUS_REVOKED) {
		trace_begin(page, "revoked");
		item_time(page, "at", revoked);
		trace_end(page);
	}
}

static void show_response(struct trace_page *page, OCSP_RESPONSE *response)
{
	OCSP_BASICRESP *basic = OCSP_response_get1_basic(response);

	trace_line(page, "responseStatus", "%s",
		   OCSP_response_status_str(OCSP_response_status(response)));
	for (int i = 0; basic && i < OCSP_resp_count(basic); i++)
		show_single(page, OCSP_resp_get0(basic, i));
	OCSP_BASICRESP_free(basic);
}

/* OCSPResponse: opaque<1..2^24-1>. */
void trace_ocsp_response(struct trace_page *page, struct trace_in *in)
{
	struct trace_in der = trace_vector(in, 3);
	const uint8_t *end = der.data;
	OCSP_RESPONSE *response;

	if (der.bad)
		return;
	trace_line(page, "response", "%zu bytes", der.len);
	page->depth++;
	response = d2i_OCSP_RESPONSE(NULL, &end, der.len);
	if (response && end == der.data + der.len)
		show_response(page, response);
	else
		trace_broken(page, der.data, der.len);
	OCSP_RESPONSE_free(response);
	page->depth--;
}
