/**
 * Writes the ring, in one step, if the stored one is that which the write was decided on. KEYS: the ring. ARGV: the expected
 * revision, the new text, its `writeId` and revision, the format, the channel. Returns `written`; else `kept` and the stored
 * text, or `absent`. A stored text that is not a ring is not overwritten. A write that is stored already, because its answer
 * was lost, counts as written. A user who may not publish has written all the same; readers then poll.
 */
export const WRITE = `
local stored = redis.call('GET', KEYS[1])
if stored then
  local whole, ring = pcall(cjson.decode, stored)
  if not whole or type(ring) ~= 'table' then return {'kept', stored} end
  if ring.writeId == ARGV[3] and ring.revision == tonumber(ARGV[4]) then return {'written'} end
  if ring.format ~= ARGV[5] or ring.revision ~= tonumber(ARGV[1]) then return {'kept', stored} end
  if type(ring.versions) ~= 'table' or type(ring.current) ~= 'string' then return {'kept', stored} end
  if type(ring.versions[ring.current]) ~= 'table' then return {'kept', stored} end
elseif tonumber(ARGV[1]) ~= 0 then
  return {'absent'}
end
redis.call('SET', KEYS[1], ARGV[2])
redis.pcall('PUBLISH', ARGV[6], ARGV[4])
return {'written'}
`;

/**
 * Takes or renews the lease. KEYS: the lease, the fencing number. ARGV: the holder, ms. Returns the fencing number, which a
 * renewal keeps; nil while another process holds the lease. A new one is also at least the server's time in μs, so that it
 * never goes back, even if both keys are gone by eviction, by FLUSHALL or in a fail-over.
 */
export const LEASE = `
local holder = redis.call('HGET', KEYS[1], 'holder')
if holder and holder ~= ARGV[1] then return false end
if not holder then
  local time = redis.pcall('TIME')
  local now = time[1] and time[1] * 1000000 + time[2] or 0
  local fence = string.format('%.0f', math.max(tonumber(redis.call('GET', KEYS[2]) or 0) + 1, now))
  redis.call('SET', KEYS[2], fence)
  redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'fence', fence)
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('HGET', KEYS[1], 'fence')
`;

/**
 * Notes an instance's report, and removes those that are too old. KEYS: the hash of reports. ARGV: the instance, the
 * report, the least time that is kept, the hash's life in ms.
 */
export const REPORT_USE = `
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
local all = redis.call('HGETALL', KEYS[1])
for index = 1, #all, 2 do
  local whole, report = pcall(cjson.decode, all[index + 1])
  if not whole or type(report) ~= 'table' or (tonumber(report.at) or 0) < tonumber(ARGV[3]) then
    redis.call('HDEL', KEYS[1], all[index])
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 1
`;

/** Returns the reports. KEYS: the hash of reports. */
export const READ_USE = "return redis.call('HVALS', KEYS[1])";

/** Ends the lease if it is still the same one. KEYS: the lease. ARGV: the holder, the fencing number. */
export const RELEASE = `
if redis.call('HGET', KEYS[1], 'holder') ~= ARGV[1] then return 0 end
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[2] then return 0 end
return redis.call('DEL', KEYS[1])
`;
