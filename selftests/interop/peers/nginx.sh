# SPDX-License-Identifier: MIT
# nginx (with OpenSSL)

server() {
	local extra='' curves=$groups
	curves=${curves/x25519/X25519} curves=${curves/x448/X448}
	case $group in
	-) ;;
	ff*) extra="ssl_dhparam $pki/$group.dh;" ;;
	*) extra="ssl_ecdh_curve ${curves//secp256r1/prime256v1};" ;;
	esac
	[ "$auth" = - ] ||
		extra+="ssl_verify_client on; ssl_verify_depth 2; ssl_client_certificate $ca;"
	case $resume in
	ticket) extra+="ssl_session_cache off;" ;;
	id) extra+="ssl_session_cache builtin; ssl_session_tickets off;" ;;
	esac
	cat >"$work/nginx.conf" <<-END
		daemon off;
		user root;
		worker_processes 1;
		pid $work/nginx.pid;
		error_log stderr info;
		events { }
		http {
			access_log /dev/stdout;
			client_body_temp_path $work/body;
			proxy_temp_path $work/proxy;
			fastcgi_temp_path $work/fastcgi;
			scgi_temp_path $work/scgi;
			uwsgi_temp_path $work/uwsgi;
			server {
				listen 127.0.0.1:$port ssl;
				server_name localhost;
				root $PWD;
				ssl_certificate $cert;
				ssl_certificate_key $key;
				ssl_protocols TLSv1.2;
				ssl_ciphers $suite;
				$extra
			}
		}
	END
	nginx -c "$work/nginx.conf" -e stderr
}
