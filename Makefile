# SPDX-License-Identifier: MIT
# ringtls - `make help` lists what can be made; V=1 shows the commands.

CC      ?= gcc
CFLAGS  ?= -O2 -g
Q       := $(if $(filter 1,$(V)),,@)
say      = $(if $(Q),@printf '  %-7s %s\n' $(1) $(2))

B       := build
LIBS    := libcrypto liburing libmnl
ALL_CFLAGS   := -std=gnu11 -Wall -Wextra -Wstrict-prototypes -Wmissing-prototypes -fPIC $(CFLAGS)
ALL_CPPFLAGS := -D_GNU_SOURCE -I$(B)/include $(CPPFLAGS)
# Lazy binding saves the vector registers on the stack, with whatever key was just copied.
ALL_LDFLAGS  := -Wl,-z,relro,-z,now $(LDFLAGS)
LDLIBS  := $(shell pkg-config --libs $(LIBS) 2>/dev/null)
MISSING := $(shell pkg-config --exists $(LIBS) 2>/dev/null || echo yes)

PUBLIC  := $(patsubst %,$(B)/include/ringtls/%,handshake.h ktls.h uring.h)
LIB_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard handshake/*.c ktls/*.c uring/*.c)))
CMD_OBJ := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard cmd/*.c cmd/*/*.c)))

# llhttp is a shared library in newer distributions; Debian 12 ships its C sources.
ifeq ($(shell pkg-config --exists libllhttp 2>/dev/null && echo yes),yes)
CMD_LIBS   := $(shell pkg-config --libs libllhttp)
else
LLHTTP_DIR := /usr/share/llhttp
LLHTTP_INCLUDE := -isystem /usr/share/include/llhttp
CMD_OBJ    += $(patsubst %,$(B)/llhttp/%.o,api http llhttp)
$(B)/cmd/%.o: ALL_CPPFLAGS += $(LLHTTP_INCLUDE)
endif

all: $(B)/ringtls $(B)/libringtls.a $(B)/libringtls.so ## build the program and the libraries

$(B)/ringtls: $(CMD_OBJ) $(B)/libringtls.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(CMD_LIBS) $(LDLIBS)

$(B)/libringtls.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Only rtls_* leaves the shared library.
$(B)/libringtls.so: $(LIB_OBJ) ringtls.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -shared -Wl,-soname,$(SONAME) \
		-Wl,--version-script=ringtls.map -o $@ $(LIB_OBJ) -Wl,--as-needed $(LDLIBS)
	$(Q)ln -sf $(@F) $@.0

.PHONY: libraries
libraries:
	$(if $(MISSING),$(error $(LIBS): pkg-config does not find all of them; make deps installs them))

# Public headers are reached as <ringtls/NAME.h>, as an installed user does.
$(B)/include/ringtls/%.h:
	@mkdir -p $(@D)
	@ln -sfr $(firstword $(wildcard handshake/$*.h ktls/$*.h uring/$*.h)) $@

$(B)/%.o: %.c | $(PUBLIC) libraries
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/llhttp/%.o: $(LLHTTP_DIR)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(LLHTTP_INCLUDE) $(CFLAGS) -w -c -o $@ $<

# ---- installing --------------------------------------------------------------------

prefix     ?= /usr/local
bindir     ?= $(prefix)/bin
libdir     ?= $(prefix)/lib
includedir ?= $(prefix)/include
VERSION    := $(shell sed -n 's/.*RINGTLS_VERSION "\(.*\)"/\1/p' handshake/handshake.h)
SONAME     := libringtls.so.0

# From DESTDIR on; ldconfig, where there is no DESTDIR, is the installer's.
INSTALLED := $(bindir)/ringtls $(libdir)/libringtls.a $(libdir)/libringtls.so.$(VERSION) \
             $(libdir)/$(SONAME) $(libdir)/libringtls.so $(libdir)/pkgconfig/ringtls.pc \
             $(patsubst $(B)/include/%,$(includedir)/%,$(PUBLIC))

install: all ## install to DESTDIR and prefix (/usr/local)
	$(call say,INSTALL,$(DESTDIR)$(prefix))
	$(Q)install -D -m 755 $(B)/ringtls $(DESTDIR)$(bindir)/ringtls
	$(Q)install -D -m 644 $(B)/libringtls.a $(DESTDIR)$(libdir)/libringtls.a
	$(Q)install -D -m 755 $(B)/libringtls.so $(DESTDIR)$(libdir)/libringtls.so.$(VERSION)
	$(Q)ln -sf libringtls.so.$(VERSION) $(DESTDIR)$(libdir)/$(SONAME)
	$(Q)ln -sf $(SONAME) $(DESTDIR)$(libdir)/libringtls.so
	$(Q)install -d $(DESTDIR)$(includedir)/ringtls $(DESTDIR)$(libdir)/pkgconfig
	$(Q)install -m 644 $(PUBLIC) $(DESTDIR)$(includedir)/ringtls
	$(Q)sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(libdir)|' -e 's|@libs@|$(LIBS)|' \
		-e 's|@includedir@|$(includedir)|' -e 's|@version@|$(VERSION)|' ringtls.pc.in \
		>$(DESTDIR)$(libdir)/pkgconfig/ringtls.pc

uninstall: ## remove what install has put there
	$(Q)rm -f $(addprefix $(DESTDIR),$(INSTALLED))
	$(Q)rmdir --ignore-fail-on-non-empty $(DESTDIR)$(includedir)/ringtls

# ---- self-tests: one kselftest program a topic -------------------------------------

KERNEL ?= 6.12
HARNESS := build/kselftest
comma   := ,

TESTS := $(patsubst selftests/%.c,$(B)/selftests/%,\
           $(filter-out selftests/common.c,$(wildcard selftests/*.c)))
tests: $(TESTS) ## build the self-tests without running them

$(B)/selftests/%: $(B)/selftests/%.o $(B)/selftests/common.o $(B)/libringtls.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(CMD_LIBS) $(LDLIBS) -lpthread
$(B)/selftests/trace: $(B)/cmd/cmd.o $(filter $(B)/cmd/trace/%,$(CMD_OBJ))
$(B)/selftests/http: $(B)/cmd/serve/http.o $(filter $(B)/llhttp/%,$(CMD_OBJ))
$(B)/selftests/%.o: ALL_CPPFLAGS += -isystem selftests/harness -isystem $(HARNESS) $(LLHTTP_INCLUDE)
# Both look at secrets where they come to be; constant_time also where they are made known.
wrap = $(patsubst %,-Wl$(comma)--wrap=%,$(1))
$(B)/selftests/constant_time: ALL_LDFLAGS += $(call wrap,RAND_priv_bytes EVP_PKEY_derive \
	EVP_PKEY_decrypt CRYPTO_memcmp rtls_record_open rtls_hs_output hs_verify_data \
	hs_ticket_open hs_resume_keys)
$(B)/selftests/secrets: ALL_LDFLAGS += $(call wrap,hs_master_secret hs_resume_keys \
	rtls_key_operation_run)
$(B)/selftests/chain_cache: ALL_LDFLAGS += $(call wrap,hs_peer_library)
$(B)/selftests/worker: ALL_LDFLAGS += $(call wrap,EVP_PKEY_sign EVP_CipherInit_ex2 \
	EVP_MD_CTX_copy_ex)
$(B)/selftests/key_pool: ALL_LDFLAGS += $(call wrap,rtls_key_operation_run \
	rtls_conn_key_operation)
# The harness declares its mains and fixtures without prototypes.
$(B)/selftests/%.o: ALL_CFLAGS += -Wno-missing-prototypes
$(TESTS:=.o) $(B)/selftests/common.o: | $(HARNESS)/kselftest_harness.h
$(HARNESS)/kselftest_harness.h:
	$(call say,FETCH,"the kernel's kselftest harness")
	$(Q)selftests/lab/fetch-kselftest >/dev/null
.SECONDARY:

# All of it again in build/asan, where AddressSanitizer, UndefinedBehaviorSanitizer and
# LeakSanitizer watch; selftests/sanitized runs what is there.
SANITIZE := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
sanitized: | $(HARNESS)/kselftest_harness.h
	$(Q)$(MAKE) --no-print-directory B=build/asan CFLAGS="$(SANITIZE)" all tests

# ---- fuzz targets: one program that goes by their names, and one with planted bugs ---------

FUZZ_CC  := clang-14
FUZZ_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out %/planted.c,$(wildcard selftests/fuzz/*.c))) \
            $(B)/cmd/serve/http.o $(B)/cmd/response.o $(B)/cmd/cmd.o \
            $(filter $(B)/llhttp/%,$(CMD_OBJ))
FUZZ_WRAP := wire_put_bytes wire_clear d2i_X509 cmd_error

fuzz-targets: ## build the fuzz targets, with clang under ASan and UBSan
	$(Q)$(MAKE) --no-print-directory B=$(B)/fuzz CC=$(FUZZ_CC) CFLAGS="-O1 -g \
		-fno-omit-frame-pointer -fno-sanitize-recover=all \
		-fsanitize=address,undefined,fuzzer-no-link" $(B)/fuzz/targets $(B)/fuzz/planted

$(B)/targets: $(FUZZ_OBJ) $(B)/libringtls.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) \
		$(call wrap,$(FUZZ_WRAP)) -o $@ $^ $(CMD_LIBS) $(LDLIBS)
$(B)/planted: $(B)/selftests/fuzz/planted.o $(FUZZ_OBJ) $(B)/libringtls.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) $(call wrap,$(FUZZ_WRAP) \
		server_hello_recv finished_recv rtls_hs_input) -o $@ $^ $(CMD_LIBS) $(LDLIBS)
$(B)/selftests/fuzz/%.o: ALL_CPPFLAGS += $(LLHTTP_INCLUDE)

# ---- benchmarks: bench/README.md ---------------------------------------------------------

BENCH_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard bench/*.c))
$(B)/bench/handshake: $(filter-out %/storm.o,$(BENCH_OBJ)) $(B)/selftests/common.o \
                      $(B)/libringtls.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lssl $(LDLIBS)
$(B)/bench/storm: $(B)/bench/storm.o $(B)/libringtls.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LDLIBS)

bench-handshake: ## what a handshake costs, ours and libssl's: ROUNDS=25
	$(Q)$(SETUP) $(B)/bench/handshake
	$(Q)$(B)/bench/handshake $(if $(ROUNDS),--rounds $(ROUNDS))

bench-handshake-profile: ## where its time goes: ROW=server_ecdhe_ecdsa_x25519
	$(Q)$(SETUP) $(B)/bench/handshake
	$(Q)bench/profile $(or $(ROW),server_ecdhe_ecdsa_x25519)

bench-storm: ## what a storm of handshakes costs who is connected
	$(Q)$(SETUP) $(B)/bench/storm $(B)/ringtls
	$(Q)$(B)/bench/storm $(B)/ringtls

# ---- the two commands that do all of their own set-up -----------------------------------

# Each step is a make of its own, because what deps installs changes what make finds.
SETUP := selftests/deps && $(MAKE) -s --no-print-directory -j $(shell nproc)

deps: ## install what is missing (with apt; elsewhere: name it)
	$(Q)selftests/deps

demo: ## the main job: curl fetches files that the kernel encrypts
	$(Q)$(SETUP) all
	$(Q)selftests/demo.sh

check: ## every test, native and in the lab
	$(Q)$(SETUP) all tests sanitized fuzz-targets
	$(Q)selftests/check -j 2

check-native: ## the tests that need no lab
	$(Q)$(SETUP) all tests sanitized fuzz-targets
	$(Q)selftests/check -j 2 -k host

asan: ## every suite under ASan, UBSan and LSan
	$(Q)$(SETUP) all tests sanitized
	$(Q)selftests/check -j 2 -k asan

check-ktls: ## the hand-over in the lab: make check-ktls KERNEL=6.1
	$(Q)$(SETUP) all tests
	$(Q)selftests/check -k $(KERNEL) ktls

interop: ## other people's TLS programs: openssl, gnutls, curl, nginx, node, Java, Go, NSS, ...
	$(Q)selftests/deps interop
	$(Q)$(SETUP) all
	$(Q)selftests/interop/run -j 2

scan: ## testssl.sh against serve
	$(Q)selftests/deps interop
	$(Q)$(SETUP) all
	$(Q)selftests/scan

fuzz: ## fuzz every message and whole connections: FUZZ_SECONDS=600 make fuzz
	$(Q)$(SETUP) fuzz-targets
	$(Q)selftests/fuzz/run

clean: ## remove what was built (fetched kernels stay: make distclean)
	$(Q)rm -rf $(filter-out $(B)/lab $(B)/kselftest,$(wildcard $(B)/*))

distclean: ## remove build/ altogether
	$(Q)rm -rf $(B)

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' $(MAKEFILE_LIST) | expand -t 28

-include $(TESTS:=.d) $(BENCH_OBJ:.o=.d) $(B)/selftests/common.d $(wildcard $(B)/selftests/fuzz/*.d)
.PHONY: all install uninstall tests sanitized deps demo check check-native asan check-ktls interop
.PHONY: bench-handshake bench-handshake-profile bench-storm scan fuzz fuzz-targets clean distclean
.PHONY: help
-include $(LIB_OBJ:.o=.d) $(CMD_OBJ:.o=.d)
