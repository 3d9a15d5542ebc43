# SPDX-License-Identifier: MIT
# Python's ssl (with OpenSSL)

client() { python3 "$interop/programs/peer.py" client "$1" "${files[@]}"; }
server() { python3 "$interop/programs/peer.py" server; }
