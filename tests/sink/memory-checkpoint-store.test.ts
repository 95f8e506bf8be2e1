import { memoryCheckpointStore } from '../../sink/memory-checkpoint-store.ts'
import { describeCheckpointStoreContract } from '../contracts/checkpoint-store.contract.ts'

describeCheckpointStoreContract('the memory checkpoint store', () => {
  const store = memoryCheckpointStore()
  return Promise.resolve({
    store,
    reopen: (generation = 1) => Promise.resolve(store.ofGeneration(generation)),
    close: () => store.close(),
  })
})
