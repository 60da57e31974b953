// The vendor's JavaScript SDK drains the served test portal's queue. Nothing of it is adapted: its
// OAuth class takes the addresses. Usage: drain_js.mjs SDK_FOLDER CONTROL_URL
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const [folder, controlUrl] = process.argv.slice(2)
const sdk = createRequire(pathToFileURL(join(folder, 'package.json'))).resolve('@bitrix24/b24jssdk')
const { B24OAuth } = await import(pathToFileURL(sdk.replace('/cjs/index.cjs', '/esm/index.mjs')))

async function control(verb, path, body) {
  const answer = await fetch(controlUrl + path, { method: verb, body: body && JSON.stringify(body) })
  assert.ok(answer.ok, `${verb} ${path}: ${answer.status}`)
  return answer.json()
}

const overview = await control('GET', '/')
const pair = await control('POST', '/tokens', {})
const now = () => Math.floor(Date.now() / 1000)
const portal = new B24OAuth(
  {
    applicationToken: '',
    userId: 1,
    memberId: pair.member_id,
    accessToken: pair.access_token,
    refreshToken: pair.refresh_token,
    expires: now() + pair.expires_in,
    expiresIn: pair.expires_in,
    scope: pair.scope,
    domain: new URL(pair.client_endpoint).host,
    clientEndpoint: pair.client_endpoint,
    serverEndpoint: pair.server_endpoint,
    status: pair.status,
    issuer: 'store',
  },
  { clientId: overview.client_id, clientSecret: overview.client_secret },
)
portal.offClientSideWarning()
let renewals = 0
portal.setCallbackRefreshAuth(async () => { renewals += 1 })

async function call(method, params) {
  const answer = await portal.actions.v2.call.make({ method, params })
  assert.ok(answer.isSuccess, `${method}: ${answer.getErrorMessages().join('; ')}`)
  return answer.getData().result
}

const tidy = (name) => name.toLowerCase().replace(/(^|[ '])(\p{L})/gu, (_, gap, letter) => gap + letter.toUpperCase())

for (const event of ['ONCRMCONTACTADD', 'ONCRMCONTACTUPDATE']) {
  assert.equal(await call('event.bind', { event, event_type: 'offline' }), true)
}
await control('POST', '/settings', { burst: 1000.0 })
for (const id of [1, 2, 3]) {
  await control('POST', `/contacts/${id}`, { NAME: 'zOË', LAST_NAME: "o'nEIL & sön #1" })
}
const ids = [1, 2, 3]
for (let number = 0; number < 60; number += 1) {
  const made = { NAME: 'jANE', LAST_NAME: 'dOE [x]', category: 12 * (number % 2) }
  ids.push((await control('POST', '/contacts', made)).id)
}

const got = await call('event.offline.get', { clear: 0, limit: 500 })
const touched = [...new Set(got.events.map((row) => Number(row.EVENT_DATA.FIELDS.ID)))].sort((a, b) => a - b)
assert.deepEqual(touched, ids)

const walked = await portal.actions.v2.callList.make({
  method: 'crm.item.list',
  params: { entityTypeId: 3, select: ['id', 'name', 'lastName'], filter: { '@id': touched } },
  idKey: 'id',
  customKeyForResult: 'items',
})
assert.ok(walked.isSuccess, walked.getErrorMessages().join('; '))
const items = walked.getData()
assert.equal(items.length, ids.length, 'every category is there')
const classic = await portal.actions.v2.callList.make({ method: 'crm.contact.list', params: { select: ['ID'] } })
const all = await control('GET', '/contacts')
assert.equal(classic.getData().length, all.filter((contact) => contact.category === 0).length)
assert.equal((await call('crm.item.get', { entityTypeId: 3, id: ids.at(-1) })).item.categoryId, 12)
await assert.rejects(call('crm.item.get', { entityTypeId: 3, id: 999999 }), { code: 'NOT_FOUND' })

await control('POST', '/tokens/expire')
for (let at = 0; at < items.length; at += 50) {
  const calls = items.slice(at, at + 50).map((item) => ({
    method: 'crm.item.update',
    params: { entityTypeId: 3, id: item.id, fields: { name: tidy(item.name), lastName: tidy(item.lastName) } },
  }))
  const written = await portal.actions.v2.batch.make({ calls, options: { isHaltOnError: false } })
  assert.ok(written.isSuccess, written.getErrorMessages().join('; '))
}
assert.equal(renewals, 1)
const done = { process_id: got.process_id, id: got.events.map((row) => Number(row.ID)) }
assert.equal(await call('event.offline.clear', done), true)

assert.deepEqual(await control('GET', '/queue'), [])
for (const id of ids) {
  const contact = await control('GET', `/contacts/${id}`)
  assert.equal(contact.name, tidy(contact.name))
  assert.equal(contact.last_name, tidy(contact.last_name))
}
assert.deepEqual(await control('GET', '/violations'), [])
portal.destroy?.()
console.log('1 passed, 0 failed')
