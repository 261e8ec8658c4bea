// The file read with the types that the mapping gives it: exact decimals,
// timestamps, dates. "copy" writes the typed rows, "aggregate" sums them.
import { DuckDBInstance } from '@duckdb/node-api'

const [what, file, out] = process.argv.slice(2)
const instance = await DuckDBInstance.create(':memory:', { threads: '2' })
const db = await instance.connect()
const types = `{'Transaction ID':'VARCHAR','Original ID':'VARCHAR','Order':'VARCHAR','Type':'VARCHAR','Created at':'TIMESTAMP',
  'Settled on':'DATE','Currency':'VARCHAR','Gross':'DECIMAL(18,2)','Fee':'DECIMAL(18,2)','Net':'DECIMAL(18,2)','Country':'VARCHAR',
  'Batch':'VARCHAR','Merchant':'VARCHAR','Store':'VARCHAR','Terminal':'VARCHAR','Method':'VARCHAR','Variant':'VARCHAR','Shopper':'VARCHAR',
  'Rate':'DECIMAL(18,6)','Note':'VARCHAR'}`
const rows = `read_csv('${file}', header=true, delim=',', columns=${types})`
if (what === 'copy') {
  await db.run(`COPY (SELECT * FROM ${rows}) TO '${out}' (FORMAT parquet, COMPRESSION uncompressed)`)
} else {
  const reader = await db.runAndReadAll(`SELECT "Type", "Currency", count(*), sum("Gross"), sum("Fee"), sum("Net") FROM ${rows} GROUP BY 1, 2`)
  console.log(reader.getRows().length)
}
