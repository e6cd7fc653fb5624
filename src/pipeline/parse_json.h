// JSON and JSON Lines to documents.
//
// An object is a document: `id` (or `_id`; a string or an integer), `title`, and the first of `text`, `content`,
// `body`, `description`; an object under `metadata` and every other field become its metadata. An object without any
// of those text fields is its own text, pretty-printed.
#pragma once

#include <boost/json/object.hpp>

#include "pipeline/document.h"

namespace rhizome::pipeline {

// One document per object of a JSON array of objects, else one for the whole value. InvalidArgument names what is
// wrong and where; an array's element as "[3]".
Status ParseJson(std::string_view bytes, std::string_view source, const ParseOptions& options,
                 const DocumentSink& sink);

// One document per line, read piecewise: the input may be of any size, a line may not. Empty lines are passed over.
// A bad line reaches the sink as an error that names the line; an unreadable input is returned.
Status ParseJsonLines(const ByteSource& bytes, std::string_view source, const ParseOptions& options,
                      const DocumentSink& sink);

// The document an object stands for. `alone`: nothing else is in its source, so the source may name it.
Result<Document> DocumentFromObject(boost::json::object object, std::string_view source, bool alone);

}  // namespace rhizome::pipeline
