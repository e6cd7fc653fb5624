// What server and client both build from gRPC: credentials, byte buffers without needless copies, keepalive, log lines.
// gRPC's types are only named here, so that its headers stay out of ours. Thread-safe: functions of their arguments.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "rpc/rpc.h"

namespace grpc {
class AuthContext;
class ByteBuffer;
class ChannelCredentials;
class ServerCredentials;
class Slice;
}  // namespace grpc

namespace rhizome::rpc {

// The one method; another version of the call's bytes would be another method.
inline constexpr char kMethod[] = "/rhizome.Peer/Call";
inline constexpr char kRequestIdKey[] = "rhizome-request-id";
inline constexpr char kTraceparentKey[] = "traceparent";
inline constexpr char kPriorityKey[] = "rhizome-priority";  // present: the call is one

// True for text that may travel beside a call: printable ASCII of 1 to kLabelBytesMax bytes.
bool IsLabel(std::string_view text);

// InvalidArgument naming the option that makes no sense.
Status CheckBounds(size_t message_bytes_max, int64_t calls_max, int64_t calls_for_priority);
// InvalidArgument naming the file that is missing, is no PEM of its kind, or does not fit the others.
Status CheckTlsFiles(const TlsOptions& tls);
// `tls` has passed the check; not enabled means plain text. The files are watched as long as the credentials live.
std::shared_ptr<grpc::ServerCredentials> ServerCredentialsFor(const TlsOptions& tls);
std::shared_ptr<grpc::ChannelCredentials> ChannelCredentialsFor(const TlsOptions& tls);
// The name in the certificate of the other side; empty when there is none, or none that could be a node's.
std::string PeerName(const grpc::AuthContext& auth);

// Takes the bytes over without copying them.
grpc::Slice SliceOf(std::string bytes);
grpc::ByteBuffer BufferOf(std::string bytes);
// One copy of all bytes.
std::string BytesOf(const grpc::ByteBuffer& buffer);

// Before the first server or client: what gRPC says about itself goes to our log, and the threads that run callbacks
// stay for as long as the process does.
void PrepareGrpc();

}  // namespace rhizome::rpc
