// exceljs's streaming writer as documented; the cells are those of ../cells.
import ExcelJS from 'exceljs'

const [n, file] = process.argv.slice(2)
const workbook = new ExcelJS.stream.xlsx.WorkbookWriter({ filename: file, useStyles: true, useSharedStrings: false })
const sheet = workbook.addWorksheet('Payments')
const names = ['Paid at', 'Id', 'Reference', 'Currency', 'Requested', 'Refunded', 'Fee', 'Net', 'Status', 'Method', 'Processor', 'Order', 'Country', 'File', 'Line']
sheet.addRow(names).commit()
for (const c of [5, 6, 7, 8]) sheet.getColumn(c).numFmt = '#,##0.00'
sheet.getColumn(1).numFmt = 'yyyy-mm-dd hh:mm:ss'
for (let i = 0; i < Number(n); i++) {
  const gross = 500 + (i * 7919) % 99500
  sheet.addRow([
    46082 + (i % 86400) / 86400, `pr_${String(i).padStart(24, '0')}`, `TX${String(i).padStart(12, '0')}`, 'EUR', gross / 100, 0, 0.25, (gross - 25) / 100,
    'guaranteed', 'card', 'Bench', `ORD-${String(i).padStart(7, '0')}`, 'DE', 'settlement.csv', i + 2,
  ]).commit()
  if (i % 1000 === 999) await new Promise(setImmediate)
}
await workbook.commit()
