--[[ Sealpost in Wireshark: the wire protocol, version 1, over plain TCP and inside decrypted TLS.

Put this file into the folder "Personal Lua Plugins" of Help > About Wireshark > Folders
(~/.local/lib/wireshark/plugins on Linux and macOS), or name it once:

    tshark -X lua_script:sealpost.lua -r plain.pcapng -Y sealpost

A plain connection is recognised by its first message, on any port; one inside TLS by the ALPN name
sealpost/1, once Wireshark has the keys (`--keylog`). "Decode As ... Sealpost" and the preference
"Sealpost ports" are for whatever is recognised by neither.

Filters to begin with:

    sealpost.password             whoever sees this packet has the password
    sealpost.cleartext_password   the same, where no TLS is around it
    sealpost.op == "put"          uploads announced
    sealpost.file_data            bytes of files
    sealpost.refused              what the server said no to

The protocol is frames (a length and a JSON object) and, only where frames agreed on it, bytes of files.
So the conversation is followed, once, in the order of the capture; what each packet turned out to be is
kept by packet number, and clicking about only looks it up.

For Wireshark 4.0 (Lua 5.2) up to 4.4 and later (Lua 5.4): no bit operations, no integer division. ]]

local MAX_FRAME = 65536
local MAX_DEPTH = 16 -- a listing needs three
local SEQUENCES = 4294967296 -- TCP sequence numbers begin again here

-- A second copy of this file, in the plugin folder and by -X lua_script, must not be an error.
local is_new, sealpost = pcall(Proto, "sealpost", "Sealpost file transfer")
if not is_new then return end

---------------------------------------------------------------------------------------------------
-- JSON, strictly: RFC 8259, valid UTF-8, no key twice. Every value knows where it stands.

local ESCAPES = {
  ['"'] = '"', ["\\"] = "\\", ["/"] = "/",
  b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

-- A code point as UTF-8. A zero would end the string in Wireshark: its picture stands for it.
local function utf8_of(code)
  if code == 0 then code = 0x2400 end
  if code < 0x80 then return string.char(code) end
  local tail = {}
  local first = 0x40
  repeat
    table.insert(tail, 1, string.char(0x80 + code % 64))
    code = math.floor(code / 64)
    first = first / 2
  until code < first
  return string.char(math.floor(256 - first * 2 + code)) .. table.concat(tail)
end

-- Where UTF-8 ends to be UTF-8, or nil.
local function bad_utf8(text)
  local at = text:find("[\128-\255]")
  while at do
    local lead, second = text:byte(at, at + 1)
    second = second or 0
    local more
    if lead >= 0xC2 and lead <= 0xDF then
      more = 1
    elseif lead >= 0xE0 and lead <= 0xEF then
      more = 2
      -- No longer than needed, and no surrogates.
      if (lead == 0xE0 and second < 0xA0) or (lead == 0xED and second > 0x9F) then return at end
    elseif lead >= 0xF0 and lead <= 0xF4 then
      more = 3
      if (lead == 0xF0 and second < 0x90) or (lead == 0xF4 and second > 0x8F) then return at end
    else
      return at
    end
    for i = at + 1, at + more do
      local byte = text:byte(i)
      if not byte or byte < 0x80 or byte > 0xBF then return at end
    end
    at = text:find("[\128-\255]", at + more + 1)
  end
  return nil
end

-- The parser never throws: each function returns the node and where to go on, or nil and what is wrong.
local parse_value

local function skip_space(text, at)
  return text:find("[^ \t\r\n]", at) or #text + 1
end

local function parse_string(text, from)
  local parts = {}
  local at = from + 1
  while true do
    local stop = text:find('["\\%c]', at)
    if not stop then return nil, "a string does not end" end
    parts[#parts + 1] = text:sub(at, stop - 1)
    local char = text:sub(stop, stop)
    if char == '"' then
      return { kind = "string", from = from, to = stop, value = table.concat(parts) }, stop + 1
    elseif char == "\127" then
      parts[#parts + 1] = char -- %c counts it, JSON allows it
      at = stop + 1
    elseif char ~= "\\" then
      return nil, "a control character in a string"
    else
      local letter = text:sub(stop + 1, stop + 1)
      if letter == "u" then
        local hex = text:match("^%x%x%x%x", stop + 2)
        if not hex then return nil, "a broken \\u escape" end
        local code = tonumber(hex, 16)
        at = stop + 6
        if code >= 0xD800 and code <= 0xDFFF then
          local low = text:match("^\\u([dD][c-fC-F]%x%x)", at)
          if code > 0xDBFF or not low then return nil, "half a surrogate pair" end
          code = 0x10000 + (code - 0xD800) * 1024 + (tonumber(low, 16) - 0xDC00)
          at = at + 6
        end
        parts[#parts + 1] = utf8_of(code)
      else
        local decoded = ESCAPES[letter]
        if not decoded then return nil, "an unknown escape" end
        parts[#parts + 1] = decoded
        at = stop + 2
      end
    end
  end
end

local function parse_number(text, from)
  local to
  local _, whole = text:find("^-?[1-9]%d*", from)
  if not whole then _, whole = text:find("^-?0", from) end
  if not whole then return nil, "neither a value nor its end" end
  to = whole
  local _, fraction = text:find("^%.%d+", to + 1)
  to = fraction or to
  local _, exponent = text:find("^[eE][+-]?%d+", to + 1)
  to = exponent or to
  return { kind = "number", from = from, to = to, value = text:sub(from, to) }, to + 1
end

local function parse_array(text, from, depth)
  local node = { kind = "array", from = from, items = {} }
  local at = skip_space(text, from + 1)
  if text:sub(at, at) == "]" then
    node.to = at
    return node, at + 1
  end
  while true do
    local item, after = parse_value(text, at, depth + 1)
    if not item then return nil, after end
    node.items[#node.items + 1] = item
    at = skip_space(text, after)
    local char = text:sub(at, at)
    if char == "]" then
      node.to = at
      return node, at + 1
    elseif char ~= "," then
      return nil, "no comma or end of the array"
    end
    at = skip_space(text, at + 1)
  end
end

local function parse_object(text, from, depth)
  local node = { kind = "object", from = from, keys = {}, by = {} }
  local at = skip_space(text, from + 1)
  if text:sub(at, at) == "}" then
    node.to = at
    return node, at + 1
  end
  while true do
    if text:sub(at, at) ~= '"' then return nil, "a key must be a string" end
    local key, after = parse_string(text, at)
    if not key then return nil, after end
    if node.by[key.value] then return nil, "a key twice" end
    at = skip_space(text, after)
    if text:sub(at, at) ~= ":" then return nil, "no colon after a key" end
    local value
    value, after = parse_value(text, skip_space(text, at + 1), depth + 1)
    if not value then return nil, after end
    node.keys[#node.keys + 1] = key.value
    node.by[key.value] = value
    at = skip_space(text, after)
    local char = text:sub(at, at)
    if char == "}" then
      node.to = at
      return node, at + 1
    elseif char ~= "," then
      return nil, "no comma or end of the object"
    end
    at = skip_space(text, at + 1)
  end
end

local LITERALS = { t = "true", f = "false", n = "null" }

parse_value = function(text, at, depth)
  if depth > MAX_DEPTH then return nil, "nested too deeply" end
  local char = text:sub(at, at)
  if char == "{" then return parse_object(text, at, depth) end
  if char == "[" then return parse_array(text, at, depth) end
  if char == '"' then return parse_string(text, at) end
  local literal = LITERALS[char]
  if literal then
    local to = at + #literal - 1
    if text:sub(at, to) ~= literal then return nil, "an unknown word" end
    return { kind = literal, from = at, to = to }, to + 1
  end
  return parse_number(text, at)
end

-- A frame's text as an object, or nil and what is wrong with it.
local function parse_frame(text)
  local wrong = bad_utf8(text)
  if wrong then return nil, string.format("not UTF-8 at byte %d", wrong - 1) end
  local from = skip_space(text, 1)
  if text:sub(from, from) ~= "{" then return nil, "not a JSON object" end
  local node, after = parse_value(text, from, 1)
  if not node then return nil, after end
  if skip_space(text, after) <= #text then return nil, "bytes after the object" end
  return node
end

local function text_of(object, key)
  local node = object and object.by and object.by[key]
  return node and node.kind == "string" and node.value or nil
end

-- A whole number that can be counted with: up to 2^53, as exact in Lua 5.2 as in 5.4.
local function number_of(object, key)
  local node = object and object.by and object.by[key]
  if node and node.kind == "number" and #node.value <= 16 and node.value:find("^%d+$") then
    local value = math.floor(tonumber(node.value))
    if value <= 9007199254740992 then return value end
  end
  return nil
end

-- true, false, or nil for neither.
local function truth_of(object, key)
  local node = object.by[key]
  if node and node.kind == "true" then return true end
  if node and node.kind == "false" then return false end
  return nil
end

-- All 64 bits of a whole number, or nil.
local function uint64_of(digits)
  if #digits > 20 or not digits:find("^%d+$") then return nil end
  local low, high = 0, 0
  for digit in digits:gmatch("%d") do
    low = low * 10 + tonumber(digit)
    high = high * 10 + math.floor(low / SEQUENCES)
    low = low % SEQUENCES
    if high >= SEQUENCES then return nil end
  end
  return UInt64.new(low, high)
end

local function uint64_from(number)
  return UInt64.new(number % SEQUENCES, math.floor(number / SEQUENCES) % SEQUENCES)
end

---------------------------------------------------------------------------------------------------
-- Words

local function human(bytes)
  local value, unit = bytes, "B"
  for _, next_unit in ipairs({ "kB", "MB", "GB", "TB", "PB" }) do
    if value < 999.95 then break end
    value, unit = value / 1000, next_unit
  end
  if unit == "B" then return string.format("%d B", bytes) end
  return string.format("%.1f %s", value, unit)
end

-- Text from the wire for a line on the screen: no control characters, not endless.
local function shown(text, longest)
  longest = longest or 60
  text = text:gsub("%c", "?")
  if #text > longest then
    local cut = longest
    -- Not within a character.
    while cut > 0 and (text:byte(cut + 1) or 0) >= 0x80 and text:byte(cut + 1) < 0xC0 do
      cut = cut - 1
    end
    text = text:sub(1, cut) .. "…"
  end
  return text
end

local function some(count, one, many)
  return string.format("%d %s", count, count == 1 and one or many)
end

---------------------------------------------------------------------------------------------------
-- Fields

local FRAME_REQUEST = frametype and frametype.REQUEST or nil
local FRAME_RESPONSE = frametype and frametype.RESPONSE or nil

local fields = {
  length = ProtoField.uint32("sealpost.length", "Length", base.DEC, nil, nil, "Bytes of JSON"),
  json = ProtoField.string("sealpost.json", "JSON"),
  op = ProtoField.string("sealpost.op", "Operation", base.NONE, "What the client asks for"),
  request_op = ProtoField.string("sealpost.request_op", "In answer to", base.NONE, "The operation this belongs to"),
  reply_in = ProtoField.framenum("sealpost.reply_in", "Reply in", base.NONE, FRAME_RESPONSE),
  reply_to = ProtoField.framenum("sealpost.reply_to", "Reply to", base.NONE, FRAME_REQUEST),
  time = ProtoField.relative_time("sealpost.time", "Time since the request"),
  inside_tls = ProtoField.bool("sealpost.inside_tls", "Inside TLS", base.NONE),
  frame_part = ProtoField.bytes("sealpost.frame_part", "Part of a frame"),
  unknown = ProtoField.bytes("sealpost.unknown", "Unknown data", base.NONE,
    "Neither a frame nor bytes of a file that is known of"),
  file_data = ProtoField.bytes("sealpost.file_data", "File data"),
  file_offset = ProtoField.uint64("sealpost.file_offset", "Offset in the file", base.DEC),
  file_name = ProtoField.string("sealpost.file_name", "File", base.NONE, "The file the bytes belong to"),
  file_frame = ProtoField.framenum("sealpost.file_frame", "Agreed on in"),
  file_first = ProtoField.framenum("sealpost.file_first", "Begins in"),
  file_last = ProtoField.framenum("sealpost.file_last", "Ends in"),
}

-- What stands in messages: the key, its label, and its type.
local KNOWN = {}
for _, row in ipairs({
  { "user", "User", "string" },
  { "password", "Password", "string" },
  { "old", "Old password", "string" },
  { "new", "New password", "string" },
  { "name", "Name", "string" },
  { "from", "From", "string" },
  { "to", "To", "string" },
  { "size", "Size", "uint64" },
  { "offset", "Offset", "uint64" },
  { "sha256", "SHA-256", "string" },
  { "prefix_sha256", "SHA-256 of what is held", "string" },
  { "conflict", "Conflict", "string" },
  { "resume", "Resume", "bool" },
  { "ok", "OK", "bool" },
  { "code", "Code", "string" },
  { "message", "Message", "string" },
  { "secure", "Secure", "string" },
  { "identity", "Identity", "string" },
  { "id", "Connection id", "string" },
  { "agent", "Agent", "string" },
  { "version", "Version", "uint64" },
  { "role", "Role", "string" },
  { "register", "Registration open", "bool" },
  { "owner", "Owner", "string" },
  { "modified", "Modified", "string" },
  { "prefix", "Prefix", "string" },
  { "after", "After", "string" },
  { "limit", "Limit", "uint64" },
  { "more", "More", "bool" },
}) do
  local key, label, kind = row[1], row[2], row[3]
  local abbreviation = "sealpost." .. key
  local field
  if kind == "uint64" then
    field = ProtoField.uint64(abbreviation, label, base.DEC)
  elseif kind == "bool" then
    field = ProtoField.bool(abbreviation, label, base.NONE)
  else
    field = ProtoField.string(abbreviation, label)
  end
  KNOWN[key] = { field = field, label = label, kind = kind }
  fields[key] = field
end
fields.login = ProtoField.string("sealpost.login", "Login with", base.NONE, "What this connection may log in with")
fields.files = ProtoField.uint32("sealpost.files", "Files", base.DEC, nil, nil, "Entries in this page of the listing")

local ordered = {}
for _, field in pairs(fields) do ordered[#ordered + 1] = field end
sealpost.fields = ordered

local experts = {
  password = ProtoExpert.new("sealpost.cleartext_password", "Password readable on the wire",
    expert.group.SECURITY, expert.severity.WARN),
  file = ProtoExpert.new("sealpost.cleartext_file", "File content readable on the wire",
    expert.group.SECURITY, expert.severity.NOTE),
  refused = ProtoExpert.new("sealpost.refused", "Refused by the server",
    expert.group.RESPONSE_CODE, expert.severity.NOTE),
  malformed = ProtoExpert.new("sealpost.malformed", "Malformed frame",
    expert.group.MALFORMED, expert.severity.ERROR),
  unknown_op = ProtoExpert.new("sealpost.unknown_op", "Unknown operation",
    expert.group.PROTOCOL, expert.severity.WARN),
  longer = ProtoExpert.new("sealpost.file_longer", "More bytes than the file was announced to have",
    expert.group.PROTOCOL, expert.severity.WARN),
  shorter = ProtoExpert.new("sealpost.file_shorter", "Fewer bytes than the file was announced to have",
    expert.group.SEQUENCE, expert.severity.WARN),
  missing = ProtoExpert.new("sealpost.file_gap", "Bytes of the file are missing in the capture",
    expert.group.SEQUENCE, expert.severity.NOTE),
  fault = ProtoExpert.new("sealpost.fault", "The dissector failed here",
    expert.group.UNDECODED, expert.severity.ERROR),
}
local listed = {}
for _, one in pairs(experts) do listed[#listed + 1] = one end
sealpost.experts = listed

local REQUESTS = {}
for op in ("hello register login passwd whoami quit list stat get put delete rename"):gmatch("%a+") do
  REQUESTS[op] = true
end

-- A field another Wireshark may not have is none.
local function extractor(name)
  local there, field = pcall(Field.new, name)
  if not there then return function() return nil end end
  return function()
    local went, value = pcall(field)
    return went and value or nil
  end
end

local tls_record = extractor("tls.record.length")
local tcp_stream = extractor("tcp.stream")
local tcp_sequence = extractor("tcp.seq")
local tcp_payload = extractor("tcp.payload")

---------------------------------------------------------------------------------------------------
-- Following a conversation. Everything down to `dissect` runs once a packet, in capture order.

-- A connection:    client    the client's end, once something told it
--                  ends      for each end, the direction of the bytes it sends
--                  asked     the request that waits for its reply
--                  upload    the `put` under way
-- A direction:     body      the file that is passing
--                  held      the beginning of a frame, where Wireshark does not collect it (inside TLS without
--                            ALPN, or when told not to)
--                  skip      bytes left of a frame that was not captured whole
--                  lost      whether what follows is not known to begin a frame
--                  finished  the file that ended just before
--                  sequence  the TCP sequence number to come, where known
--                  bodies    files that passed, with where they stood, for packets that come late
-- A file passing:  name, from, to (bytes of the file), at (the next one), frame (which agreed on it),
--                  first, last (packets), gap (bytes not captured), ended (frame that ended it too early)
local connections = {}

-- What was found: for each packet number a list of {key, results, turn}. Of packets that are nothing but bytes
-- in the middle of a file, by far the most, only which file and from which byte on.
local found = {}
local file_of = {}
local offset_of = {}

function sealpost.init()
  connections = {}
  found, file_of, offset_of = {}, {}, {}
end

local function endpoints(pinfo)
  local source = tostring(pinfo.src) .. " " .. tostring(pinfo.src_port)
  return source, tostring(pinfo.dst) .. " " .. tostring(pinfo.dst_port)
end

local function connection_key(one, other)
  if one < other then return one .. " " .. other end
  return other .. " " .. one
end

local function new_direction()
  return { body = nil, skip = 0, lost = false, bodies = {} }
end

local function new_connection(one, other)
  return { ends = { [one] = new_direction(), [other] = new_direction() } }
end

local function stream_number()
  local stream = tcp_stream()
  return stream and stream.value or nil
end

-- The connection of this packet; a new one when the same ports are used again.
local function connection_of(pinfo)
  local source, destination = endpoints(pinfo)
  local key = connection_key(source, destination)
  local connection = connections[key]
  local stream = stream_number()
  if connection and stream and connection.stream and connection.stream ~= stream then connection = nil end
  if not connection then
    connection = new_connection(source, destination)
    connections[key] = connection
  end
  connection.stream = stream or connection.stream
  if source == destination then
    -- Both ends alike: no telling them apart, but no harm either.
    return connection, connection.ends[source], connection.ends[source], source, destination
  end
  return connection, connection.ends[source], connection.ends[destination], source, destination
end

local function forget_connection(pinfo)
  connections[connection_key(endpoints(pinfo))] = nil
end

-- Lets the file begin that two frames agreed on.
local function begin_body(direction, name, from, to, frame)
  direction.skip, direction.held = 0, nil
  direction.finished = nil
  direction.lost = false
  direction.body = nil
  if to <= from then return nil end
  local body = { name = name, from = from, to = to, at = from, frame = frame, gap = 0 }
  direction.body = body
  return body
end

-- The other side went on although the file is not complete: bytes are missing, or were never sent.
local function cut_body(direction, frame)
  local body = direction.body
  if not body then return nil end
  body.ended = frame
  direction.body = nil
  direction.lost = true
  return body
end

-- Takes a request, or what a client says in the middle of one.
local function take_request(connection, me, peer, object, number, time)
  local result = { from_client = true, op = text_of(object, "op") }
  local upload = connection.upload
  if result.op then
    -- The client asks anew: whatever it was being sent is over.
    result.cut = cut_body(peer, number)
    connection.asked = { frame = number, time = time, op = result.op, object = object, result = result }
    connection.upload = nil
    if result.op == "put" then
      connection.upload = {
        name = text_of(object, "name") or "?", size = number_of(object, "size"), frame = number, stage = "asked",
      }
    end
  elseif object.by.resume then
    result.op_of = "put"
    if upload and upload.stage == "proof" then
      local from = truth_of(object, "resume") and upload.offset or 0
      if upload.size then begin_body(me, upload.name, from, upload.size, number) end
      upload.stage = "body"
    end
  elseif object.by.sha256 then
    result.op_of = "put"
    connection.asked = { frame = number, time = time, op = "put", stage = "end", result = result }
    connection.upload = nil
  end
  return result
end

-- Takes a reply.
local function take_reply(connection, me, peer, object, number, time)
  local result = { from_client = false }
  local asked, upload = connection.asked, connection.upload
  if asked then
    result.op_of, result.reply_to = asked.op, asked.frame
    result.since = time - asked.time
    asked.result.reply_in = number
  end
  connection.asked = nil
  local ok, offset = truth_of(object, "ok"), number_of(object, "offset")
  local file = object.by.file
  if not ok then
    -- A refusal in the middle of a file: the rest of it may still be under way.
    local body = peer.body
    if body then
      result.op_of = "put"
      result.short = { name = body.name, at = body.at, to = body.to }
    end
    connection.upload = nil
  elseif file and offset then
    result.op_of = "get"
    local size = number_of(file, "size")
    if size and (not asked or asked.op == "get") then
      begin_body(me, text_of(file, "name") or "?", offset, size, number)
    end
  elseif offset and not file and upload and upload.stage == "asked" then
    upload.offset = offset
    upload.name = text_of(object, "name") or upload.name
    if upload.offset > 0 then
      upload.stage = "proof"
    else
      upload.stage = "body"
      if upload.size then begin_body(peer, upload.name, 0, upload.size, number) end
    end
  elseif file and (peer.body or (asked and asked.stage == "end")) then
    result.op_of = "put"
    result.cut = cut_body(peer, number)
    connection.upload = nil
  elseif offset and not asked and text_of(object, "name") then
    -- The capture begins after the announcement: how much follows is not known.
    result.op_of = "put"
    peer.lost = true
  end
  return result
end

-- Takes a frame: tells the ends apart, and what it means here.
local function take_frame(connection, me, peer, source, destination, object, number, time)
  if object.by.op or ((object.by.resume or object.by.sha256) and not object.by.ok) then
    connection.client = source
  elseif object.by.ok then
    connection.client = destination
  end
  me.finished = nil
  if connection.client == source then
    if text_of(object, "op") == "hello" then
      -- A connection of its own, whatever used these ports before.
      connection.upload = nil
      peer.body, peer.held, peer.skip, peer.lost, peer.finished = nil, nil, 0, false, nil
    end
    return take_request(connection, me, peer, object, number, time)
  end
  return take_reply(connection, me, peer, object, number, time)
end

-- Whether a frame can begin with these bytes (at least four), and how long its JSON is.
local function frame_length(head)
  local a, b, c, d, brace = head:byte(1, 5)
  local length = ((a * 256 + b) * 256 + c) * 256 + d
  local possible = length >= 1 and length <= MAX_FRAME
  if brace and not (brace == 0x7B or brace == 0x20 or brace == 0x09 or brace == 0x0A or brace == 0x0D) then
    return length, possible, false
  end
  return length, possible, possible
end

local BEGINNINGS = { '{"op":"', '{"ok":', '{"sha256":"', '{"resume":' }

-- Where the next thing that looks like a frame begins, at or after `from` (0-based), or nil.
local function next_frame(text, from)
  local first
  for _, beginning in ipairs(BEGINNINGS) do
    local at = from + 5
    while true do
      at = text:find(beginning, at, true)
      if not at or (first and at - 5 >= first) then break end
      local length, _, likely = frame_length(text:sub(at - 4, at))
      if likely and length >= #beginning then
        first = at - 5
        break
      end
      at = at + 1
    end
  end
  return first
end

-- Compares where these bytes stand in the stream with where it was followed to. Bytes that came before are
-- nil and the file they belong to, if known; a gap is stepped over.
local function step_to(direction, sequence)
  if not sequence then return true end
  if not direction.sequence then
    direction.sequence = sequence
    return true
  end
  local ahead = (sequence - direction.sequence) % SEQUENCES
  if ahead == 0 then return true end
  if ahead >= SEQUENCES / 2 then
    for i = #direction.bodies, 1, -1 do
      local mark = direction.bodies[i]
      local into = (sequence - mark.sequence) % SEQUENCES
      if into < mark.body.at - mark.at then return false, mark.body, mark.at + into end
    end
    return false
  end
  direction.sequence = sequence
  direction.held = nil
  local skipped = math.min(ahead, direction.skip)
  direction.skip = direction.skip - skipped
  ahead = ahead - skipped
  local body = direction.body
  if body and ahead > 0 then
    local lost = math.min(ahead, body.to - body.at)
    body.at = body.at + lost
    body.gap = body.gap + lost
    ahead = ahead - lost
    if body.at == body.to then
      direction.body = nil
      direction.finished = body
    end
  end
  if ahead > 0 then direction.lost = true end
  return true
end

-- Takes bytes of the file that is passing.
local function take_body(direction, number, at, left)
  local body = direction.body
  local count = math.min(left, body.to - body.at)
  local piece = { what = "body", at = at, count = count, body = body, offset = body.at }
  if not body.first then
    body.first = number
    piece.first = true
    if direction.sequence then
      table.insert(direction.bodies, { body = body, sequence = direction.sequence, at = body.at })
      if #direction.bodies > 8 then table.remove(direction.bodies, 1) end
    end
  end
  body.last = number
  body.at = body.at + count
  if body.at == body.to then
    direction.body = nil
    direction.finished = body
  end
  return piece
end

-- Where sequence numbers are not known (the first of two readings), packets missing in the capture show only
-- when the file seems to go on and yet this segment is the message that says it has ended.
local function is_late_digest(direction, tvb, at, left)
  local body = direction.body
  if direction.sequence or left ~= 81 or tvb:len() < at + left then return false end
  if body.to - body.at <= left then return false end
  local text = tvb:raw(at, left)
  return text:find('^\0\0\0M{"sha256":"%x+"}$') ~= nil
end

-- Takes what should be a frame and is none, up to where one seems to begin.
local function take_unknown(direction, text, at, reported, why)
  local upto = next_frame(text, at + 1) or reported
  local piece = { what = "unknown", at = at, count = upto - at }
  if not direction.lost then
    piece.why = why
    piece.after = direction.finished
  end
  direction.lost = true
  direction.finished = nil
  return piece
end

-- Adds to the beginning of a frame held here what these bytes have of it. Returns how many they have, and the
-- frame once it is whole; nil for no frame at all.
local function hold(direction, bytes)
  local held = direction.held
  local taken = 0
  if #held < 4 then
    taken = math.min(4 - #held, #bytes)
    held = held .. bytes:sub(1, taken)
  end
  if #held >= 4 then
    local length, possible = frame_length(held)
    if not possible then return nil end
    local more = math.min(length + 4 - #held, #bytes - taken)
    held = held .. bytes:sub(taken + 1, taken + more)
    taken = taken + more
    if #held == length + 4 then
      direction.held = nil
      return taken, held
    end
  end
  direction.held = held
  return taken
end

-- Splits the bytes of one call into pieces, and follows the conversation through them. Returns the pieces
-- and, when a frame goes on in the next segment, where it begins and how many bytes are missing (0: unknown).
local function follow(tvb, pinfo)
  local captured, reported = tvb:len(), tvb:reported_len()
  local number, time = pinfo.number, pinfo.rel_ts
  local connection, me, peer, source, destination = connection_of(pinfo)
  local pieces = {}
  local sequence
  if tvb:offset() > 0 then -- bytes of the segment itself; reassembled or decrypted ones begin at 0
    local first, payload = tcp_sequence(), tcp_payload()
    if first and payload then
      sequence = (first.value + tvb:offset() - payload.offset) % SEQUENCES
    end
  end
  local goes_on, body, offset = step_to(me, sequence)
  if not goes_on then
    if body then
      local count = math.min(reported, body.to - offset)
      pieces[1] = { what = "body", at = 0, count = count, body = body, offset = offset, late = true }
    else
      pieces[1] = { what = "unknown", at = 0, count = reported, late = true }
    end
    return pieces
  end
  local function take_whole(frame, place, count, collected)
    local object, wrong = parse_frame(frame:sub(5))
    local piece = { what = "frame", at = place, count = count, collected = collected }
    if object then
      me.lost = false
      piece.result = take_frame(connection, me, peer, source, destination, object, number, time)
    elseif me.lost then
      piece.what = "unknown"
    else
      piece.wrong, piece.after = wrong, me.finished
      me.finished = nil
    end
    return piece
  end
  local text -- of the whole call, only where frames are looked for
  local at = 0
  local function advance(piece)
    pieces[#pieces + 1] = piece
    at = at + piece.count
    if me.sequence then me.sequence = (me.sequence + piece.count) % SEQUENCES end
  end
  while at < reported do
    local left, have = reported - at, math.max(captured - at, 0)
    if me.skip > 0 then
      local count = math.min(left, me.skip)
      me.skip = me.skip - count
      advance({ what = "part", at = at, count = count })
    elseif me.held then
      local taken, frame = hold(me, have > 0 and tvb:raw(at, have) or "")
      if not taken or have < left then
        me.held, me.lost = nil, true
      elseif frame then
        advance(take_whole(frame, at, taken, frame))
      else
        advance({ what = "part", at = at, count = taken })
      end
    elseif me.body then
      if is_late_digest(me, tvb, at, left) then
        me.body.gap = me.body.to - me.body.at
        me.body, me.finished = nil, nil
      else
        advance(take_body(me, number, at, left))
      end
    elseif have < 4 then
      local head = have > 0 and tvb:raw(at, have) or ""
      local possible = not head:find("^[^\0]") and not head:find("^.[^\0\1]")
      if have == left and possible and not me.lost then
        if pinfo.can_desegment > 0 then return pieces, at, 0 end
        me.held = head
        advance({ what = "part", at = at, count = left })
      else
        me.lost = true
        advance({ what = "unknown", at = at, count = left, cut = have < left })
      end
    else
      local length, possible, likely = frame_length(tvb:raw(at, math.min(have, 5)))
      local whole = length + 4
      text = text or tvb:raw(0, captured)
      if not likely or (me.lost and next_frame(text, at) ~= at and whole ~= left) then
        local why = possible and "the JSON does not begin with {"
          or string.format("a length of %d; it is 1 to %d", length, MAX_FRAME)
        advance(take_unknown(me, text, at, reported, why))
      elseif whole <= have then
        advance(take_whole(text:sub(at + 1, at + whole), at, whole))
      elseif have == left then
        if pinfo.can_desegment > 0 then return pieces, at, whole - left end
        me.held = tvb:raw(at, left)
        advance({ what = "part", at = at, count = left, length = length })
      else
        -- Not captured whole: what it says, and so what follows from it, stays unknown.
        connection.asked = nil
        me.finished = nil
        me.lost, peer.lost = true, true
        me.skip = math.max(whole - left, 0)
        advance({ what = "part", at = at, count = math.min(whole, left), length = length, cut = true })
      end
    end
  end
  return pieces
end

---------------------------------------------------------------------------------------------------
-- Showing what was found. Runs as often as a packet is looked at, and alters nothing.

local function tree_text(key, node)
  if node.kind == "string" or node.kind == "number" then return node.value end
  return node.kind == "true" and "yes" or node.kind == "false" and "no" or key
end

local show_file

local SECRETS = { password = true, old = true, new = true }

-- Adds a member of a message. Of what is not of its type the text is shown, and said that it is wrong.
local function show_member(tree, range, key, node, in_tls)
  local known = KNOWN[key]
  local part = range(node.from - 1, node.to - node.from + 1)
  if key == "file" and node.kind == "object" then
    show_file(tree, range, node)
    return
  elseif key == "files" and node.kind == "array" then
    local files = tree:add(fields.files, part, #node.items)
    for _, item in ipairs(node.items) do
      if item.kind == "object" then show_file(files, range, item) end
    end
    return
  elseif key == "login" and node.kind == "array" then
    for _, item in ipairs(node.items) do
      if item.kind == "string" then
        tree:add(fields.login, range(item.from - 1, item.to - item.from + 1), item.value)
      end
    end
    return
  elseif key == "op" and node.kind == "string" then
    tree:add(fields.op, part, node.value)
    return
  elseif not known then
    tree:add(part, "Other: " .. shown(key) .. ": " .. shown(part:string()))
    return
  end
  if known.kind == "string" and node.kind == "string" then
    local item = tree:add(known.field, part, node.value)
    if SECRETS[key] and not in_tls then item:add_proto_expert_info(experts.password) end
    return
  elseif known.kind == "bool" and (node.kind == "true" or node.kind == "false") then
    tree:add(known.field, part, node.kind == "true")
    return
  elseif known.kind == "uint64" and node.kind == "number" then
    local value = uint64_of(node.value)
    if value then
      local item = tree:add(known.field, part, value)
      local number = tonumber(node.value)
      if (key == "size" or key == "offset") and number >= 1000 then
        item:append_text(" (" .. human(number) .. ")")
      end
      return
    end
  elseif key == "identity" and node.kind == "null" then
    tree:add(part, "Identity: none (no client certificate)")
    return
  end
  local item = tree:add(part, known.label .. ": " .. shown(part:string()))
  item:add_proto_expert_info(experts.malformed, "Malformed frame: " .. key .. " is not a " ..
    (known.kind == "uint64" and "whole number" or known.kind == "bool" and "true or false" or "string"))
end

show_file = function(tree, range, node)
  local name, size = text_of(node, "name"), number_of(node, "size")
  local label = "File: " .. shown(name or "?")
  if size then label = label .. ", " .. human(size) end
  local branch = tree:add(range(node.from - 1, node.to - node.from + 1), label)
  for _, key in ipairs(node.keys) do show_member(branch, range, key, node.by[key]) end
end

-- A request in words.
local function say_request(object, op)
  local name = shown(text_of(object, "name") or "?")
  if op == "hello" then
    return "hello from " .. shown(text_of(object, "agent") or "?")
  elseif op == "login" or op == "register" then
    local user = text_of(object, "user")
    return user and (op .. " as " .. shown(user)) or (op .. " by certificate")
  elseif op == "list" then
    local prefix = text_of(object, "prefix") or ""
    return prefix == "" and "list" or "list " .. shown(prefix)
  elseif op == "put" then
    local size = number_of(object, "size")
    return "put " .. name .. (size and " " .. human(size) or "")
  elseif op == "get" then
    local offset = number_of(object, "offset") or 0
    return "get " .. name .. (offset > 0 and string.format(" from %d", offset) or "")
  elseif op == "rename" then
    return "rename " .. shown(text_of(object, "from") or "?") .. " to " .. shown(text_of(object, "to") or "?")
  elseif op == "stat" or op == "delete" then
    return op .. " " .. name
  end
  return shown(op)
end

-- A reply in words.
local function say_reply(object, result)
  local granted = truth_of(object, "ok")
  if granted == nil then return "neither granted nor refused" end
  if not granted then return "refused: " .. shown(text_of(object, "code") or "?") end
  local op, file = result.op_of, object.by.file
  local offset = number_of(object, "offset")
  local user = shown(text_of(object, "user") or "?")
  local who = user .. " (" .. shown(text_of(object, "role") or "?") .. ")"
  if op == "hello" or text_of(object, "agent") then
    return "hello from " .. shown(text_of(object, "agent") or "?") .. ", " .. shown(text_of(object, "secure") or "?")
  elseif op == "login" or op == "register" then
    return (op == "login" and "logged in as " or "registered as ") .. who
  elseif op == "whoami" then
    return "you are " .. who
  elseif op == nil and object.by.role then
    return "it is " .. who -- the request is not in the capture
  elseif op == "passwd" then
    return "password changed"
  elseif op == "quit" then
    return "goodbye"
  elseif op == "delete" then
    return "deleted"
  elseif object.by.files and object.by.files.kind == "array" then
    local more = truth_of(object, "more") and ", more to come" or ""
    return some(#object.by.files.items, "file", "files") .. more
  elseif file and file.kind == "object" then
    local name, size = shown(text_of(file, "name") or "?"), number_of(file, "size") or 0
    if offset then
      return string.format("%s: %s follow", name, some(math.max(size - offset, 0), "byte", "bytes"))
    elseif op == "put" then
      return "stored " .. name .. " " .. human(size)
    elseif op == "rename" then
      return "now " .. name
    end
    return name .. " " .. human(size)
  elseif offset then
    return string.format("go ahead from %d", offset)
  end
  return "ok"
end

-- A frame in words, as far as it can be said.
local function say(object, result)
  if not result.from_client then return "→ " .. say_reply(object, result) end
  local op = text_of(object, "op")
  if op then return say_request(object, op) end
  local digest = text_of(object, "sha256")
  if digest then return "end of file, sha256 " .. shown(digest, 12) end
  local resume = truth_of(object, "resume")
  if resume ~= nil then return resume and "resume: equal so far" or "resume: differs, from the beginning" end
  return "frame"
end

local function say_span(body, offset, count)
  return string.format("%d bytes (%d..%d of %d)", count, offset, offset + count, body.to)
end

local function show_links(tree, result)
  if result.op_of then tree:add(fields.request_op, result.op_of):set_generated() end
  if result.reply_in then tree:add(fields.reply_in, result.reply_in):set_generated() end
  if result.reply_to then
    tree:add(fields.reply_to, result.reply_to):set_generated()
    -- Clocks of captures joined together may disagree.
    local since = math.max(result.since, 0)
    local seconds = math.floor(since)
    local time = NSTime.new(seconds, math.floor((since - seconds) * 1e9 + 0.5))
    tree:add(fields.time, time):set_generated()
  end
end

local function show_protection(tree, in_tls)
  local item = tree:add(fields.inside_tls, in_tls)
  item:set_generated()
  item:append_text(in_tls and " (readable only with the keys)" or " (readable by anyone on the way)")
end

local function show_frame(piece, range, tree, in_tls)
  local json = range(4, range:len() - 4)
  local object = parse_frame(json:raw())
  tree:add(fields.length, range(0, 4))
  local result = piece.result or { from_client = object and object.by.op ~= nil }
  if not object then
    tree:add(fields.json, json)
    tree:add_proto_expert_info(experts.malformed, "Malformed frame: " .. (piece.wrong or "not JSON"))
    if piece.after then tree:add_proto_expert_info(experts.longer) end
    return "malformed frame"
  end
  local first, last = object.from - 1, object.to - object.from + 1
  local inside = json(first, last)
  for _, key in ipairs(object.keys) do
    -- Positions count from the beginning of the JSON text.
    show_member(tree, json, key, object.by[key], in_tls)
  end
  tree:add(fields.json, inside)
  show_links(tree, result)
  show_protection(tree, in_tls)
  local op = text_of(object, "op")
  if op and not REQUESTS[op] then tree:add_proto_expert_info(experts.unknown_op) end
  if truth_of(object, "ok") == false then
    local message = text_of(object, "message")
    local code = shown(text_of(object, "code") or "?")
    local why = message and ": " .. shown(message, 120) or ""
    tree:add_proto_expert_info(experts.refused, "Refused: " .. code .. why)
  end
  if result.short then
    local short = result.short
    tree:add_proto_expert_info(experts.shorter,
      string.format("Refused in the middle of %s: %d of %d bytes had come", shown(short.name), short.at, short.to))
  elseif result.cut then
    local cut = result.cut
    tree:add_proto_expert_info(experts.shorter,
      string.format("%s ends early or is not all in the capture: %d of %d bytes", shown(cut.name), cut.at, cut.to))
  end
  return say(object, result)
end

local function show_body(piece, range, tree, pinfo, in_tls)
  local body = piece.body
  if range then tree:add(fields.file_data, range) end
  tree:add(fields.file_offset, uint64_from(piece.offset)):set_generated()
  tree:add(fields.file_name, body.name):set_generated()
  tree:add(fields.file_frame, body.frame):set_generated()
  if body.first then tree:add(fields.file_first, body.first):set_generated() end
  -- On the first reading this is not known before the last packet.
  local complete = body.at == body.to
  if complete and body.last then tree:add(fields.file_last, body.last):set_generated() end
  show_protection(tree, in_tls)
  if piece.first and not in_tls then
    tree:add_proto_expert_info(experts.file, "File content readable on the wire: " .. shown(body.name))
  end
  if pinfo.visited and not complete and body.last == pinfo.number then
    tree:add_proto_expert_info(experts.shorter,
      string.format("%s: the capture has no more than %d of %d bytes", shown(body.name), body.at, body.to))
  end
  if body.gap > 0 and body.last == pinfo.number then
    tree:add_proto_expert_info(experts.missing, some(body.gap, "byte", "bytes") .. " of the file missing in the capture")
  end
  local span = say_span(body, piece.offset, piece.count)
  return (piece.late and "late file data " or "file data ") .. span
end

local function show_unknown(piece, range, tree)
  if range then tree:add(fields.unknown, range) end
  if piece.after then
    tree:add_proto_expert_info(experts.longer)
  elseif piece.why then
    tree:add_proto_expert_info(experts.malformed, "Malformed frame: " .. piece.why)
  end
  if piece.late then return string.format("%s seen before", some(piece.count, "byte", "bytes")) end
  return string.format("unknown data, %s", some(piece.count, "byte", "bytes"))
end

local function show_part(piece, range, tree)
  if range and piece.length and range:len() >= 4 then tree:add(fields.length, range(0, 4)) end
  if range then tree:add(fields.frame_part, range) end
  if piece.cut then return "a frame, not captured whole" end
  return "part of a frame"
end

-- Adds to the Info column behind what an earlier frame in the same packet has put there.
local function inform(pinfo, text, is_first)
  local info = pinfo.cols.info
  if is_first then info:clear() end
  local before = tostring(info)
  if before ~= "" and before:sub(1, 1) ~= "(" and before:sub(-1) ~= " " then text = "; " .. text end
  info:append(text)
  info:fence()
end

local MOST_NAMED = 6 -- pieces of one segment in the Info column

local function show(pieces, tvb, pinfo, tree)
  if #pieces == 0 then return end
  pinfo.cols.protocol:set("Sealpost")
  local in_tls = tls_record() ~= nil
  for index, piece in ipairs(pieces) do
    local here = math.max(math.min(piece.count, tvb:len() - piece.at), 0)
    local range = here > 0 and tvb(piece.at, here) or nil
    local branch = range and tree:add(sealpost, range) or tree:add(sealpost)
    local text
    if piece.what == "frame" and (piece.collected or here == piece.count) then
      if piece.collected then range = ByteArray.new(piece.collected, true):tvb("Sealpost frame")() end
      text = show_frame(piece, range, branch, in_tls)
    elseif piece.what == "body" then
      text = show_body(piece, range, branch, pinfo, in_tls)
    elseif piece.what == "part" then
      text = show_part(piece, range, branch)
    else
      text = show_unknown(piece, range, branch)
    end
    branch:set_text("Sealpost, " .. text)
    if index <= MOST_NAMED then
      inform(pinfo, text, index == 1)
    elseif index == MOST_NAMED + 1 then
      inform(pinfo, "…", false)
    end
  end
end

---------------------------------------------------------------------------------------------------
-- What Wireshark calls

-- Which call this is: in one packet there may be the segment, or a reassembled frame and the rest of the
-- segment, or many decrypted records, each a call of its own. Only what is in the segment has a place there.
local function call_key(tvb)
  local offset, length = tvb:offset(), tvb:len()
  if offset > 0 then return offset end
  return string.format("%d %s", length, tvb:raw(0, math.min(length, 16)))
end

-- What the first reading found for these bytes. Calls that look alike come in the same order each time.
local function look_up(tvb, number, key)
  for _, call in ipairs(found[number] or {}) do
    if call.key == key then
      call.turn = call.turn % #call.results + 1
      return call.results[call.turn]
    end
  end
  local body, offset = file_of[number], offset_of[number]
  if body and tvb:offset() > 0 then
    local count = math.min(tvb:reported_len(), body.to - offset)
    return { pieces = { { what = "body", at = 0, count = count, body = body, offset = offset } } }
  end
  return nil
end

local function keep(tvb, number, key, result)
  local piece = result.pieces[1]
  local calls = found[number]
  if not calls and not file_of[number] and tvb:offset() > 0 and #result.pieces == 1 and piece.what == "body"
    and not (piece.first or piece.late or result.from) then
    file_of[number], offset_of[number] = piece.body, piece.offset
    return
  end
  if not calls then
    calls = {}
    found[number] = calls
  end
  for _, call in ipairs(calls) do
    if call.key == key then
      table.insert(call.results, result)
      return
    end
  end
  table.insert(calls, { key = key, results = { result }, turn = 0 })
end

-- What can be said of bytes without knowing what came before.
local function alone(tvb)
  local pieces, at, captured = {}, 0, tvb:len()
  while captured - at > 4 do
    local length, _, likely = frame_length(tvb:raw(at, 5))
    if not likely or length + 4 > captured - at then break end
    local object = parse_frame(tvb:raw(at + 4, length))
    if not object then break end
    local result = { from_client = object.by.ok == nil }
    pieces[#pieces + 1] = { what = "frame", at = at, count = length + 4, result = result }
    at = at + length + 4
  end
  local left = tvb:reported_len() - at
  if left > 0 then pieces[#pieces + 1] = { what = "unknown", at = at, count = left } end
  return pieces
end

local function dissect_or_fail(tvb, pinfo, tree)
  local key = call_key(tvb)
  local result
  if pinfo.visited then
    -- Put together differently than on the first reading, or not ours then: no context, and none kept.
    result = look_up(tvb, pinfo.number, key) or { pieces = alone(tvb) }
  else
    local pieces, from, missing = follow(tvb, pinfo)
    result = { pieces = pieces, from = from, missing = missing }
    keep(tvb, pinfo.number, key, result)
  end
  show(result.pieces, tvb, pinfo, tree)
  if result.from then
    pinfo.desegment_offset = result.from
    pinfo.desegment_len = result.missing > 0 and result.missing or DESEGMENT_ONE_MORE_SEGMENT
  end
end

function sealpost.dissector(tvb, pinfo, tree)
  if tvb:len() == 0 then return 0 end
  -- A TLS connection on a port said to be ours: TLS may have it, and gives back what is inside.
  if tvb(0, 1):uint() == 0x16 and tvb:offset() > 0 and tls_record() == nil then
    local there = connections[connection_key(endpoints(pinfo))]
    if not there then return 0 end
  end
  local went, wrong = pcall(dissect_or_fail, tvb, pinfo, tree)
  if not went then
    local branch = tree:add(sealpost, tvb())
    branch:add_proto_expert_info(experts.fault, "The dissector failed here: " .. tostring(wrong))
  end
  return tvb:reported_len()
end

-- Whether this is how a conversation, or a request in the middle of one, begins.
local function looks_like_ours(tvb)
  local captured = tvb:len()
  if captured < 11 then return false end
  local first, second = tvb(0, 1):uint(), tvb(1, 1):uint()
  if first ~= 0 or second > 1 then return false end
  local length, _, likely = frame_length(tvb:raw(0, 5))
  if not likely then return false end
  local text = tvb:raw(4, math.min(length, captured - 4))
  if #text < length then
    for _, hello in ipairs({ '{"op":"hello"', '{"agent":"' }) do
      if text:sub(1, #hello) == hello:sub(1, #text) then return true end
    end
    return false
  end
  local object = parse_frame(text)
  if not object then return false end
  local op, code = text_of(object, "op"), text_of(object, "code")
  return REQUESTS[op or ""] or (truth_of(object, "ok") ~= nil
    and (object.by.secure ~= nil and object.by.id ~= nil or (code ~= nil and object.by.message ~= nil)))
end

sealpost:register_heuristic("tcp", function(tvb, pinfo, tree)
  local looks, ours = pcall(looks_like_ours, tvb)
  if not (looks and ours) then return false end
  -- Wireshark asks only about what belongs to nobody yet: whoever had these ports before is gone.
  if not pinfo.visited then forget_connection(pinfo) end
  sealpost.dissector(tvb, pinfo, tree)
  pinfo.conversation = sealpost
  return true
end)

-- Inside TLS without the ALPN name. The conversation stays TLS's own, so it asks for every record.
sealpost:register_heuristic("tls", function(tvb, pinfo, tree)
  local known
  if pinfo.visited then
    known = found[pinfo.number] ~= nil
  else
    known = connections[connection_key(endpoints(pinfo))] ~= nil
  end
  if not known then
    local looks, ours = pcall(looks_like_ours, tvb)
    if not (looks and ours) then return false end
  end
  sealpost.dissector(tvb, pinfo, tree)
  return true
end)

-- A table another Wireshark may not have is left alone.
local function with_table(name, action)
  local there, dissectors = pcall(DissectorTable.get, name)
  if there and dissectors then pcall(action, dissectors) end
end

with_table("tls.alpn", function(dissectors) dissectors:add("sealpost/1", sealpost) end)
with_table("tcp.port", function(dissectors) dissectors:add_for_decode_as(sealpost) end)
with_table("tls.port", function(dissectors) dissectors:add_for_decode_as(sealpost) end)

sealpost.prefs.ports = Pref.range("Sealpost ports", "",
  "TCP ports whose connections are Sealpost's whatever they begin with, plain or inside TLS", 65535)

local ports = ""

function sealpost.prefs_changed()
  local now = tostring(sealpost.prefs.ports or "")
  if now == ports then return end
  for _, name in ipairs({ "tcp.port", "tls.port" }) do
    with_table(name, function(dissectors)
      if ports ~= "" then dissectors:remove(ports, sealpost) end
    end)
    with_table(name, function(dissectors)
      if now ~= "" then dissectors:add(now, sealpost) end
    end)
  end
  ports = now
end
