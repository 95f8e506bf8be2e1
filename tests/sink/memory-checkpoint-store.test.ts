import { memoryCheckpointStore } from '../../sink/memory-checkpoint-store.ts'
import { describeCheckpointStoreContract } from '../contracts/checkpoint-store.contract.ts'

describeCheckpointStoreContract('the memory checkpoint store', () => {
  const store = memoryCheckpointStore()
  return Promise.resolve({
    store,
    reopen: () => Promise.resolve(store),
    close: () => store.close(),
  })
})
