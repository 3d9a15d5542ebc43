// SPDX-License-Identifier: MIT
// node's tls as a peer: peer.js client OUT FILE FILE | peer.js server. Orders: see ../cell.
'use strict';
const constants = require('constants');
const fs = require('fs');
const tls = require('tls');

const { suite, group, groups, resume, auth, port, cert, key, ca, credentials, pki } = process.env;
const identity = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
const options = {
	minVersion: 'TLSv1.2',
	maxVersion: 'TLSv1.2',
	ciphers: suite,
	ca: fs.readFileSync(ca),
	secureOptions: resume === 'id' ? constants.SSL_OP_NO_TICKET : 0,
};
if (group !== '-' && !group.startsWith('ff'))
	options.ecdhCurve = groups.replace(/x/g, 'X').replace('secp256r1', 'prime256v1');

function tell(socket) {
	console.log(socket.getCipher(), socket.isSessionReused() ? 'reused' : 'full');
}

// Resolves with the session that the connection leaves, if it leaves one.
function fetch(file, out, session) {
	return new Promise((resolve, reject) => {
		const chunks = [];
		const socket = tls.connect({
			...options, ...(credentials ? identity : {}),
			host: 'localhost', port, servername: 'localhost', session,
		}, () => {
			tell(socket);
			socket.write(`GET /${file} HTTP/1.1\r\nHost: localhost\r\n` +
				'Connection: close\r\n\r\n');
		});
		socket.on('session', (fresh) => { session = fresh; });
		socket.on('data', (chunk) => chunks.push(chunk));
		socket.on('error', reject);
		socket.on('end', () => {
			const answer = Buffer.concat(chunks);
			fs.writeFileSync(out, answer.subarray(answer.indexOf('\r\n\r\n') + 4));
			resolve(session);
		});
	});
}

async function client(out, files) {
	let session;
	for (const [index, file] of files.entries()) {
		const left = await fetch(file, `${out}/${index + 1}`, session);
		session = resume !== '-' ? left : undefined;
	}
}

function server() {
	const sessions = new Map();
	if (group.startsWith('ff'))
		options.dhparam = fs.readFileSync(`${pki}/${group}.dh`);
	const listener = tls.createServer({
		...options, ...identity,
		requestCert: auth === 'yes', rejectUnauthorized: auth === 'yes',
	}, (socket) => {
		tell(socket);
		socket.on('error', console.log);
		socket.once('data', (request) => {
			const body = fs.readFileSync(request.toString().split(' ')[1].slice(1));
			socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`);
			socket.end(body);
		});
	});
	listener.on('tlsClientError', console.log);
	// Session IDs are the program's business.
	listener.on('newSession', (id, data, done) => {
		sessions.set(id.toString('hex'), data);
		done();
	});
	listener.on('resumeSession', (id, done) => done(null, sessions.get(id.toString('hex'))));
	listener.listen(port, '127.0.0.1');
}

if (process.argv[2] === 'client')
	client(process.argv[3], process.argv.slice(4));
else
	server();
