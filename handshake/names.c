// SPDX-License-Identifier: MIT
/* Names that lists are made of, found and, where they are wrong, guessed. */
#include <ctype.h>
#include <string.h>

#include "hs_internal.h"

#define NAME_LEN_MAX 63

int hs_names_find(const struct hs_names *names, const char *given, size_t len)
{
	for (size_t i = 0; i < names->len; i++)
		for (int alias = 0; alias < 2; alias++) {
			const char *name = names->name(i, alias);

			if (strlen(name) == len && !strncasecmp(name, given, len))
				return i;
		}
	return -1;
}

const char *hs_names_nearest(const struct hs_names *names, const char *given, size_t len)
{
	char text[NAME_LEN_MAX + 1];
	struct rtls_nearest nearest = { .given = text };

	if (len > NAME_LEN_MAX)
		return NULL;
	memcpy(text, given, len);
	text[len] = '\0';
	/* The form that is meant is the one that is nearer. */
	for (size_t i = 0; i < names->len; i++)
		for (int alias = 0; alias < 2; alias++)
			rtls_nearest_offer(&nearest, names->name(i, alias));
	return nearest.name;
}

const char *rtls_list_name(enum rtls_list list, size_t index, bool alias)
{
	static const struct hs_names *const lists[] = {
		[RTLS_LIST_SUITES] = &hs_suite_names,
		[RTLS_LIST_GROUPS] = &hs_group_names,
		[RTLS_LIST_SIGALGS] = &hs_scheme_names,
	};
	const struct hs_names *names = lists[list];

	return index < names->len ? names->name(index, alias) : NULL;
}

/* ---- the name that was probably meant ------------------------------------------------ */

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

static bool is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Levenshtein's distance, one row of the matrix at a time. */
static unsigned int edit_distance(const char *a, const char *b)
{
	unsigned int row[NAME_LEN_MAX + 1], above_left, above;
	size_t len = strlen(b);

	if (strlen(a) > NAME_LEN_MAX || len > NAME_LEN_MAX)
		return NAME_LEN_MAX;
	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		above_left = row[0]++;
		for (size_t j = 0; j < len; j++) {
			above = row[j + 1];
			row[j + 1] = min3(above + 1, row[j] + 1,
					  above_left + !is_same(a[i], b[j]));
			above_left = above;
		}
	}
	return row[len];
}

void rtls_nearest_offer(struct rtls_nearest *nearest, const char *name)
{
	unsigned int distance = edit_distance(nearest->given, name);

	/* More than a third of the name wrong is another word, not a slip. */
	if (distance > 1 + strlen(name) / 3)
		return;
	if (!nearest->name || distance < nearest->distance) {
		nearest->name = name;
		nearest->distance = distance;
	}
}
