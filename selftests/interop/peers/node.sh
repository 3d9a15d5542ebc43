# SPDX-License-Identifier: MIT
# node's tls (with OpenSSL)

client() { node "$interop/programs/peer.js" client "$1" "${files[@]}"; }
server() { node "$interop/programs/peer.js" server; }
